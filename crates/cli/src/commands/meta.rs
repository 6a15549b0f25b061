//! `salamander meta`

use clap::Args;
use salamander::{Dict, Error, MethodInfo, ParamInfo, Value, to_value};

use super::World;
use crate::connect::Calling;
use crate::failure::Failure;
use crate::output::Output;

/// Show what an object exposes: its methods, one-way methods and attributes; of Rust objects their documentation and parameters too
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander meta PYRONAME:test.echoserver
  salamander meta PYRO:Pyro.NameServer@localhost:9090 --json")]
pub(crate) struct Meta {
    #[command(flatten)]
    calling: Calling,
}

impl Meta {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let output = world.output;
        let proxy = self.calling.connected(&world.config).await?;
        let metadata = proxy.metadata().await?;
        let interface = proxy.interface().await?;
        if let Some(class) = &interface.class {
            output.line(class)?;
            print_doc(output, &interface.doc, 6)?;
        }
        output.line("methods:")?;
        for name in &metadata.methods {
            let method = interface.method(name);
            output.line(format_args!("  {name}{}", method.map(signature).unwrap_or_default()))?;
            print_doc(output, method.map_or("", |method| &method.doc), 6)?;
        }
        output.line("oneway:")?;
        for name in &metadata.oneway {
            output.line(format_args!("  {name}"))?;
        }
        output.line("attributes:")?;
        for name in &metadata.attrs {
            let attribute = interface.attrs.iter().find(|attribute| attribute.name == *name);
            let ty = attribute.filter(|attribute| !attribute.ty.is_empty());
            output.line(format_args!("  {name}{}", ty.map(|it| format!(": {}", it.ty)).unwrap_or_default()))?;
            print_doc(output, attribute.map_or("", |attribute| &attribute.doc), 6)?;
        }
        let names = |names: &[String]| Value::from(names.to_vec());
        // What only the names are known of has nothing more to tell.
        let interface =
            if interface.class.is_some() { to_value(&interface).map_err(Error::from)? } else { Value::None };
        output.document(Dict::from_iter([
            ("methods", names(&metadata.methods)),
            ("oneway", names(&metadata.oneway)),
            ("attributes", names(&metadata.attrs)),
            ("interface", interface),
        ]))
    }
}

/// The parameters and the result of a method, as far as they are known.
fn signature(method: &MethodInfo) -> String {
    let Some(params) = &method.params else { return String::new() };
    let params = params.iter().map(ParamInfo::signature).collect::<Vec<_>>().join(", ");
    match &method.returns {
        Some(returns) if returns.ty != "()" => format!("({params}) -> {}", returns.ty),
        _ => format!("({params})"),
    }
}

fn print_doc(output: Output, doc: &str, indent: usize) -> Result<(), Failure> {
    doc.lines().try_for_each(|line| output.line(format!("{:indent$}{line}", "").trim_end()))
}
