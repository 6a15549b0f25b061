//! `salamander files`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use salamander::files::FileServer;
use salamander::{Config, Daemon, Dict, Kind, NameServer, Value};

use super::World;
use crate::failure::Failure;
use crate::signals::Signals;
use crate::tls::ServerTls;

/// Serve the files of a folder, for `salamander receive` and `salamander send` and for any client of Pyro
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander files /srv/files --port 4712
  salamander files . --upload --naming
  salamander receive PYRO:salamander.files@localhost:4712 report.pdf
  salamander send report.pdf PYRO:salamander.files@localhost:4712

Clients name files by their way below the folder. Symbolic links are not followed, and nothing but regular files is opened. An \
upload is a file of its own until it is finished, whose name ends with .salamander-part. Ctrl-C stops it.")]
pub(crate) struct Files {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Let clients write files that are not there yet
    #[arg(long)]
    upload: bool,

    /// Let clients replace files, too
    #[arg(long, requires = "upload")]
    overwrite: bool,

    /// How many bytes a file may have that a client writes [default: no limit]
    #[arg(long, value_name = "BYTES", requires = "upload")]
    max_size: Option<u64>,

    /// Wait for the disk before an upload is confirmed, even if the client does not ask for it
    #[arg(long, requires = "upload")]
    fsync: bool,

    /// The host name or address to bind to
    #[arg(short = 'H', long, default_value = "localhost")]
    host: String,

    /// The port to bind to; 0 is a free one
    #[arg(short, long, default_value_t = 0)]
    port: u16,

    /// The Unix domain socket to bind to, instead of host and port
    #[arg(short, long, value_name = "FILE")]
    unixsocket: Option<String>,

    /// The object's name
    #[arg(long, value_name = "NAME", default_value = "salamander.files")]
    name: String,

    /// Register it with a name server
    #[arg(short = 'n', long)]
    naming: bool,

    /// Let clients of this protocol in although they cannot show that they know a key: pyro5 (with PYRO_HMAC_KEY)
    #[arg(long, value_name = "PROTOCOL")]
    without_key: Vec<String>,

    #[command(flatten)]
    tls: ServerTls,
}

impl Files {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let World { config, output, .. } = world;
        let config = self.tls.config(&config)?;
        let mut signals = Signals::catch()?;
        let files = FileServer::new(&self.folder)
            .map_err(|error| Failure::usage(format!("{} cannot be served: {error}", self.folder.display())))?
            .uploads(self.upload)
            .overwrite(self.overwrite)
            .largest(self.max_size)
            .fsync(self.fsync);
        let folder = files.folder().display().to_string();
        let daemon = self.bind(&config).await?;
        let uri = daemon.register(&self.name, files)?;
        if let Some(address) = daemon.local_addr().filter(|address| !address.ip().is_loopback())
            && !config.ssl_requireclientcert
        {
            let may = if self.upload { "read and write" } else { "read" };
            tracing::warn!("anybody who reaches {address} can {may} files: --tls-client-ca asks for certificates");
        }
        let names = if self.naming {
            let names = NameServer::locate_with(None, None, config.clone()).await.map_err(Failure::nobody)?;
            names.register(&self.name, &uri).await?;
            Some(names)
        } else {
            None
        };
        let say = |line: String| output.line(line).or_else(Failure::unless_closed);
        say(format!("serving {folder}, {}", self.rules()))?;
        say(format!("URI = {uri}"))?;
        let document = Dict::from_iter([
            ("folder", Value::from(folder)),
            ("uri", uri.to_string().into()),
            ("upload", self.upload.into()),
            ("overwrite", self.overwrite.into()),
        ]);
        output.document(document).or_else(Failure::unless_closed)?;
        let handle = daemon.handle();
        let served = signals.serve(&handle, daemon.serve()).await;
        if let Some(names) = names {
            // It may have gone before us.
            let _ = names.remove(&self.name).await;
        }
        served
    }

    /// What clients may do, in words.
    fn rules(&self) -> &'static str {
        match (self.upload, self.overwrite) {
            (false, _) => "to be read",
            (true, false) => "to be read, and new files to be written",
            (true, true) => "to be read, written and replaced",
        }
    }

    async fn bind(&self, config: &Arc<Config>) -> Result<Daemon, Failure> {
        let location = match &self.unixsocket {
            Some(path) => format!("./u:{path}"),
            None if self.host.contains(':') => format!("[{}]:{}", self.host, self.port),
            None => format!("{}:{}", self.host, self.port),
        };
        let builder = Daemon::builder().config(config.clone());
        let builder = self.without_key.iter().fold(builder, |builder, name| builder.without_key(name));
        let bound = builder.bind(&location).await;
        bound.map_err(|error| match error.kind() {
            Kind::Connection => Failure::from(error).with_hint("the options are --port, --host and --unixsocket"),
            _ => error.into(),
        })
    }
}
