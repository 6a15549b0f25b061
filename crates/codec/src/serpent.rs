//! Serpent.
#![allow(dead_code)]
use bytes::Bytes;
use salamander_value::*;

use crate::call::Arguments;
use crate::{CallHead, Output, Settings};

#[doc(hidden)]
pub struct SerpentReader<'de> {
    bytes: &'de Bytes,
    settings: &'de Settings,
}

impl<'de> SerpentReader<'de> {
    pub(crate) fn new(bytes: &'de Bytes, settings: &'de Settings) -> Self {
        Self { bytes, settings }
    }

    pub(crate) fn open_call(&mut self) -> Result<CallHead<'de>> {
        todo!()
    }

    pub(crate) fn finish(&mut self) -> Result<()> {
        todo!()
    }
}

impl<'de> Reader<'de> for SerpentReader<'de> {
    fn next(&mut self) -> Result<Token<'de>> {
        todo!()
    }
}

pub(crate) struct SerpentWriter<'o> {
    out: &'o mut Output,
    settings: &'o Settings,
}

impl<'o> SerpentWriter<'o> {
    pub(crate) fn new(out: &'o mut Output, settings: &'o Settings) -> Self {
        Self { out, settings }
    }

    pub(crate) fn document(out: &'o mut Output, settings: &'o Settings) -> Self {
        Self::new(out, settings)
    }
    pub(crate) fn call(self, _object: &str, _method: &str, _arguments: &dyn Arguments) -> Result<()> {
        todo!()
    }
}

impl Writer for SerpentWriter<'_> {
    fn none(&mut self) -> Result<()> {
        todo!()
    }
    fn bool(&mut self, _v: bool) -> Result<()> {
        todo!()
    }
    fn int(&mut self, _v: i64) -> Result<()> {
        todo!()
    }
    fn big_int(&mut self, _v: &BigInt) -> Result<()> {
        todo!()
    }
    fn float(&mut self, _v: f64) -> Result<()> {
        todo!()
    }
    fn complex(&mut self, _v: Complex) -> Result<()> {
        todo!()
    }
    fn str(&mut self, _v: &str) -> Result<()> {
        todo!()
    }
    fn surrogates(&mut self, _v: &SurrogateStr) -> Result<()> {
        todo!()
    }
    fn bytes(&mut self, _v: &[u8]) -> Result<()> {
        todo!()
    }
    fn byte_array(&mut self, _v: &[u8]) -> Result<()> {
        todo!()
    }
    fn decimal(&mut self, _v: &Decimal) -> Result<()> {
        todo!()
    }
    fn date_time(&mut self, _v: &DateTime) -> Result<()> {
        todo!()
    }
    fn date(&mut self, _v: &Date) -> Result<()> {
        todo!()
    }
    fn time(&mut self, _v: &Time) -> Result<()> {
        todo!()
    }
    fn time_delta(&mut self, _v: &TimeDelta) -> Result<()> {
        todo!()
    }
    fn uuid(&mut self, _v: &Uuid) -> Result<()> {
        todo!()
    }
    fn begin_list(&mut self, _l: Option<usize>) -> Result<()> {
        todo!()
    }
    fn begin_tuple(&mut self, _l: Option<usize>) -> Result<()> {
        todo!()
    }
    fn begin_set(&mut self, _l: Option<usize>) -> Result<()> {
        todo!()
    }
    fn begin_frozen_set(&mut self, _l: Option<usize>) -> Result<()> {
        todo!()
    }
    fn begin_dict(&mut self, _l: Option<usize>) -> Result<()> {
        todo!()
    }
    fn end(&mut self) -> Result<()> {
        todo!()
    }
}
