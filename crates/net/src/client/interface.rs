//! [`Interface`]: what an object exposes, with all that its daemon can tell of it.

use salamander_value::Value;
use serde::{Deserialize, Serialize};

use super::proxy::{Extras, Metadata, Proxy};
use crate::error::Result;
use crate::{DAEMON_NAME, features};

/// What an object exposes. Of objects in Rust it tells documentation, parameters and types; Python's daemons know the names
/// alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Interface {
    /// The name of the type; none where only names are known.
    pub class: Option<String>,
    /// The documentation of the object.
    pub doc: String,
    /// The methods.
    pub methods: Vec<MethodInfo>,
    /// The attributes.
    pub attrs: Vec<AttributeInfo>,
}

/// A method of an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct MethodInfo {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: String,
    /// Nobody waits for it.
    pub oneway: bool,
    /// Whether it gives a stream of items; none where that is not known.
    pub stream: Option<bool>,
    /// Its parameters; none where they are not known.
    pub params: Option<Vec<ParamInfo>>,
    /// What it returns, or the items of what it returns are; none where that is not known.
    pub returns: Option<TypeInfo>,
}

/// A parameter of a method.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct ParamInfo {
    /// Its name, by which it can be given.
    pub name: String,
    /// How it is given.
    pub kind: ParamUse,
    /// The type, as Rust writes it.
    #[serde(rename = "type")]
    pub ty: String,
    /// What that is in JSON, roughly, as a JSON Schema; none where it is not known.
    pub schema: Value,
    /// What it is where it is left out, as Rust writes it.
    pub default: Option<String>,
}

/// How an argument reaches a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "lowercase")]
pub enum ParamUse {
    /// By position or name; it must be given.
    #[default]
    Required,
    /// By position or name; it may be left out.
    Optional,
    /// It takes all further positional arguments.
    Args,
    /// It takes all further keyword arguments.
    Kwargs,
}

/// An attribute of an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct AttributeInfo {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: String,
    /// The type, as Rust writes it; empty where it is not known.
    #[serde(rename = "type")]
    pub ty: String,
    /// What that is in JSON, roughly, as a JSON Schema; none where it is not known.
    pub schema: Value,
    /// Whether it can be read; none where that is not known.
    pub readable: Option<bool>,
    /// Whether it can be set; none where that is not known.
    pub writable: Option<bool>,
}

/// A type of values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct TypeInfo {
    /// It as Rust writes it.
    #[serde(rename = "type")]
    pub ty: String,
    /// What it is in JSON, roughly, as a JSON Schema.
    pub schema: Value,
}

impl Interface {
    /// The method of this name.
    pub fn method(&self, name: &str) -> Option<&MethodInfo> {
        self.methods.iter().find(|method| method.name == name)
    }

    /// What is known from the names alone.
    fn plain(metadata: &Metadata) -> Self {
        let method = |name: &String| MethodInfo {
            name: name.clone(),
            oneway: metadata.oneway.contains(name),
            ..MethodInfo::default()
        };
        let attribute = |name: &String| AttributeInfo { name: name.clone(), ..AttributeInfo::default() };
        Self {
            methods: metadata.methods.iter().map(method).collect(),
            attrs: metadata.attrs.iter().map(attribute).collect(),
            ..Self::default()
        }
    }
}

impl ParamInfo {
    /// The parameter as Python writes it in a signature.
    pub fn signature(&self) -> String {
        let Self { name, ty, default, .. } = self;
        match (self.kind, default) {
            (ParamUse::Required, _) => format!("{name}: {ty}"),
            (ParamUse::Optional, Some(default)) => format!("{name}: {ty} = {default}"),
            (ParamUse::Optional, None) => format!("{name}: {ty} = None"),
            (ParamUse::Args, _) => format!("*{name}: {ty}"),
            (ParamUse::Kwargs, _) => format!("**{name}: {ty}"),
        }
    }
}

impl Proxy {
    /// What the object exposes, with documentation, parameters and types where the daemon knows them: it does if the object is
    /// in Rust. Of others it tells what [`Proxy::metadata`] does.
    ///
    /// # Errors
    /// As [`Proxy::call`].
    ///
    /// # Wire
    /// A call of `get_interface` of the daemon's own object, a method that Pyro does not have.
    pub async fn interface(&self) -> Result<Interface> {
        let object = self.connection().await?.settings.object.clone();
        let extras = Extras { object: Some(DAEMON_NAME), ..Extras::default() };
        let told = self.call_with::<Value>(features::INTERFACE, &(&*object,), &extras).await;
        match told {
            Ok((told, _)) => Ok(salamander_value::from_value(&told)?),
            // A daemon of Python's has no such method.
            Err(error) if error.is("AttributeError") => Ok(Interface::plain(self.metadata().await?)),
            Err(error) => Err(error),
        }
    }
}
