//! Options for encrypted connections. What they do not say, Pyro's `PYRO_SSL_` settings do.

use std::sync::Arc;

use clap::Args;
use salamander::Config;

use crate::failure::Failure;

/// How a server is encrypted.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Encryption")]
pub(crate) struct ServerTls {
    /// Encrypt all connections, and show clients the certificate in this file [default: PYRO_SSL_SERVERCERT where PYRO_SSL
    /// is on]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,

    /// The private key of the certificate, where its file does not hold it; its password is PYRO_SSL_SERVERKEYPASSWD
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,

    /// Let only clients in that show a certificate which is in this file, or is signed by one that is
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<String>,
}

/// How a client's connections are encrypted.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Encryption")]
pub(crate) struct ClientTls {
    /// Encrypt the connections, and trust the authorities that this machine trusts [default: as PYRO_SSL says]
    #[arg(long)]
    tls: bool,

    /// Encrypt the connections, and trust the certificates in this file too [default: PYRO_SSL_CACERTS where PYRO_SSL is on]
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<String>,

    /// The certificate to show to servers that ask for one
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,

    /// The private key of that certificate, where its file does not hold it; its password is PYRO_SSL_CLIENTKEYPASSWD
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
}

/// How a gateway's two sides are encrypted: its clients' connections, and those to objects, which have nothing to do with each other.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Encryption")]
pub(crate) struct GatewayTls {
    #[command(flatten)]
    clients: ServerTls,

    /// Encrypt the connections to objects, and trust the authorities that this machine trusts [default: as PYRO_SSL says]
    #[arg(long)]
    tls: bool,

    /// Encrypt the connections to objects, and trust the certificates in this file too [default: PYRO_SSL_CACERTS where PYRO_SSL
    /// is on]
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<String>,

    /// The certificate to show to servers of objects that ask for one [default: PYRO_SSL_CLIENTCERT]
    #[arg(long, value_name = "FILE")]
    tls_shown_cert: Option<String>,

    /// The private key of that certificate, where its file does not hold it; its password is PYRO_SSL_CLIENTKEYPASSWD
    #[arg(long, value_name = "FILE")]
    tls_shown_key: Option<String>,
}

impl ServerTls {
    /// The settings with what the options say.
    ///
    /// # Errors
    /// Where they ask for encryption, and nothing names a certificate.
    pub(crate) fn config(&self, config: &Arc<Config>) -> Result<Arc<Config>, Failure> {
        let Self { tls_cert, tls_key, tls_client_ca } = self;
        if tls_cert.is_none() && tls_key.is_none() && tls_client_ca.is_none() {
            return Ok(config.clone());
        }
        let mut config = Config::clone(config);
        config.ssl = true;
        if let Some(file) = tls_cert {
            config.ssl_servercert = file.clone();
            // The key of another certificate would be of no use.
            config.ssl_serverkey = String::new();
        }
        if let Some(file) = tls_key {
            config.ssl_serverkey = file.clone();
        }
        if let Some(file) = tls_client_ca {
            config.ssl_requireclientcert = true;
            config.ssl_cacerts = file.clone();
        }
        if config.ssl_servercert.is_empty() {
            return Err(Failure::usage("--tls-cert should name the file of the server's certificate"));
        }
        Ok(Arc::new(config))
    }
}

impl GatewayTls {
    /// The settings of the side of clients. Where Pyro's settings encrypt and name no certificate to show, they mean the other side only;
    /// unless they ask for clients' certificates, which must not be passed over.
    ///
    /// # Errors
    /// Where the options ask for encryption, and nothing names a certificate.
    pub(crate) fn of_clients(&self, config: &Arc<Config>) -> Result<Arc<Config>, Failure> {
        let config = self.clients.config(config)?;
        if !config.ssl || !config.ssl_servercert.is_empty() || config.ssl_requireclientcert {
            return Ok(config);
        }
        let mut plain = Config::clone(&config);
        plain.ssl = false;
        Ok(Arc::new(plain))
    }

    /// The settings of the side of objects.
    pub(crate) fn of_objects(&self, config: &Arc<Config>) -> Arc<Config> {
        let Self { tls, tls_ca, tls_shown_cert, tls_shown_key, .. } = self;
        let (tls_ca, tls_cert, tls_key) = (tls_ca.clone(), tls_shown_cert.clone(), tls_shown_key.clone());
        ClientTls { tls: *tls, tls_ca, tls_cert, tls_key }.config(config)
    }
}

impl ClientTls {
    /// The settings with what the options say.
    pub(crate) fn config(&self, config: &Arc<Config>) -> Arc<Config> {
        let Self { tls, tls_ca, tls_cert, tls_key } = self;
        if !tls && tls_ca.is_none() && tls_cert.is_none() && tls_key.is_none() {
            return config.clone();
        }
        let mut config = Config::clone(config);
        config.ssl = true;
        if let Some(file) = tls_ca {
            config.ssl_cacerts = file.clone();
        }
        if let Some(file) = tls_cert {
            config.ssl_clientcert = file.clone();
            config.ssl_clientkey = String::new();
        }
        if let Some(file) = tls_key {
            config.ssl_clientkey = file.clone();
        }
        Arc::new(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_go_before_settings() {
        let settings = Config::from_vars([("PYRO_SSL_SERVERCERT", "a"), ("PYRO_SSL_SERVERKEY", "b")]).unwrap();
        let settings = Arc::new(settings);
        let none = ServerTls::default().config(&settings).unwrap();
        assert_eq!(none, settings);
        let options = ServerTls { tls_cert: Some("c".to_owned()), ..ServerTls::default() };
        let config = options.config(&settings).unwrap();
        assert_eq!((config.ssl, &*config.ssl_servercert, &*config.ssl_serverkey), (true, "c", ""));
        assert!(!config.ssl_requireclientcert);
        let options = ServerTls { tls_client_ca: Some("d".to_owned()), ..ServerTls::default() };
        let config = options.config(&settings).unwrap();
        assert_eq!((&*config.ssl_servercert, &*config.ssl_cacerts, config.ssl_requireclientcert), ("a", "d", true));
        assert!(options.config(&Arc::default()).is_err());
        let options = ClientTls { tls_ca: Some("e".to_owned()), ..ClientTls::default() };
        let config = options.config(&settings);
        assert_eq!((config.ssl, &*config.ssl_cacerts), (true, "e"));
        assert!(!ClientTls::default().config(&settings).ssl);
    }

    #[test]
    fn the_two_sides_of_a_gateway_are_their_own() {
        let certificate = ServerTls { tls_cert: Some("a".to_owned()), ..ServerTls::default() };
        let options = GatewayTls { clients: certificate, ..GatewayTls::default() };
        let plain = Arc::default();
        assert_eq!(options.of_objects(&plain), plain);
        assert!(options.of_clients(&plain).unwrap().ssl);
        let options = GatewayTls { tls_ca: Some("b".to_owned()), ..GatewayTls::default() };
        assert!(options.of_objects(&plain).ssl);
        assert_eq!(options.of_clients(&plain).unwrap(), plain);
        // By settings: with a certificate both, without one the side of objects alone.
        let options = GatewayTls::default();
        for (settings, encrypted) in [
            (&[("PYRO_SSL", "1")][..], false),
            (&[("PYRO_SSL", "1"), ("PYRO_SSL_SERVERCERT", "c")], true),
            (&[("PYRO_SSL", "1"), ("PYRO_SSL_REQUIRECLIENTCERT", "1")], true),
        ] {
            let settings = Arc::new(Config::from_vars(settings.iter().copied()).unwrap());
            assert_eq!(options.of_clients(&settings).unwrap().ssl, encrypted, "{settings:?}");
            assert!(options.of_objects(&settings).ssl);
        }
    }
}
