//! Containers, calls and what is refused of them.

use std::borrow::Cow;

use bytes::Bytes;
use salamander_value::{Kind, Reader, Result, Token, Value, read_value};

use super::SerpentReader;
use crate::{Codec, Settings};

fn read(text: &str) -> Result<Value> {
    Codec::Serpent.decode_value(&Bytes::from(text.to_owned()), &Settings::default())
}

fn shown(text: &str) -> String {
    read(text).map_or_else(|error| panic!("{text:?}: {error}"), |value| value.to_string())
}

fn class(text: &str) -> &'static str {
    read(text).map_or_else(|error| error.class(), |value| panic!("{text:?} is {value}"))
}

#[test]
fn every_container_is_read_however_it_is_spaced() {
    for (text, value) in [
        ("# serpent utf-8 python3.2\n('obj_1','add',(2,3),{})", "('obj_1', 'add', (2, 3), {})"),
        ("[1,2,]", "[1, 2]"),
        ("[ 1 ,\t2\n,\r\n3 , ]", "[1, 2, 3]"),
        ("[]", "[]"),
        ("()", "()"),
        ("( )", "()"),
        ("(1,)", "(1,)"),
        ("(1,2,)", "(1, 2)"),
        ("((1,),)", "((1,),)"),
        ("(([],),[])", "(([],), [])"),
        ("{}", "{}"),
        ("{1}", "{1}"),
        ("{1,2,}", "{1, 2}"),
        ("{(1,2)}", "{(1, 2)}"),
        ("{1:2,'a':[3],}", "{1: 2, 'a': [3]}"),
        ("{(1,2):3,(4,):{5}}", "{(1, 2): 3, (4,): {5}}"),
        ("set()", "set()"),
        ("[set(),set ( )]", "[set(), set()]"),
        ("(set(),)", "(set(),)"),
        ("[None,True,False]", "[None, True, False]"),
        ("(\n[1] # )\n, # ,\n2)", "([1], 2)"),
        ("[1 \\\n,2]", "[1, 2]"),
    ] {
        assert_eq!(shown(text), value, "{text:?}");
    }
}

#[test]
fn parentheses_around_one_value_are_no_tuple() {
    for (text, value) in [
        ("(1)", "1"),
        ("((('a')))", "'a'"),
        ("([1,2])", "[1, 2]"),
        ("(({'a':(1)}))", "{'a': 1}"),
        ("((1,))", "(1,)"),
        ("{(1):(2),('a'):('b')}", "{1: 2, 'a': 'b'}"),
        ("{(1),(2)}", "{1, 2}"),
        ("(())", "()"),
        ("(set())", "set()"),
        ("(None)", "None"),
        ("[(1),([2]),((3),)]", "[1, [2], (3,)]"),
    ] {
        assert_eq!(shown(text), value, "{text:?}");
    }
}

#[test]
fn comments_and_empty_lines_stand_around_the_value() {
    for text in ["# serpent\n5", "\n\n#x\n5", "  5", "\t#x\n5", "5 # x", "5\n\n# x\n", "5\r\n", "\x0c5", "\n \x0c5"] {
        assert_eq!(shown(text), "5", "{text:?}");
    }
    for text in ["# serpent\n 5", "5\n6", "5 6", "", "# serpent", "5;", "[1]]", "[1],", "1,2"] {
        assert_eq!(class(text), "builtins.SyntaxError", "{text:?}");
    }
}

#[test]
#[rustfmt::skip]
fn what_python_refuses_is_refused() {
    for text in [
        "[", "(", "{", "[1", "[1,", "(1", "{1", "{1:", "{1:2", "[,]", "(,)", "{,}", "[1,,2]", "[1 2]", "[1)", "(1]", "{1]",
        "{1:2,3}", "{1,2:3}", "{:}", "{1:}", "{1::2}", "[1:2]", "(1:2)", "]", "$", "[1\x0b]", "()()", "[*x]", "((1)",
        "([1]", "1 if 2", "[1\\ ,2]",
    ] {
        assert_eq!(class(text), "builtins.SyntaxError", "{text:?}");
    }
    for text in ["true", "nan", "x", "NoneX", "[setx()]", "frozenset()", "set", "é", "[spam]", "(set)"] {
        assert_eq!(class(text), "builtins.ValueError", "{text:?}");
    }
    assert_eq!(class("{[1]:2}"), "builtins.TypeError");
    assert_eq!(class("{{1:2}}"), "builtins.TypeError");
}

#[test]
fn text_that_is_not_utf8_or_holds_a_nul_is_refused_as_a_whole() {
    let error = Codec::Serpent.decode_value(&Bytes::from_static(b"['\xff']"), &Settings::default()).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (Kind::Unicode, Some(2)));
    assert_eq!(read("5 # \0").unwrap_err().offset(), Some(4));
}

#[test]
fn errors_tell_where() {
    for (text, offset, message) in [
        ("[1, 2", 5, "'[' was never closed"),
        ("[1, é]", 4, "malformed node or string: é"),
        ("{'a': 1, 'b' 2}", 13, "invalid syntax: unexpected '2'"),
        ("[[[1}]]", 4, "invalid syntax: unexpected '}'"),
    ] {
        let error = read(text).unwrap_err();
        assert_eq!((error.offset(), error.message()), (Some(offset), message), "{text:?}");
    }
}

#[test]
fn two_hundred_brackets_may_be_open() {
    for (open, close) in [("[", "]"), ("(", ",)"), ("{1:", "}"), ("(", ")"), ("[(", ",)]"), ("{1:(", ")}")] {
        let levels = 200 / open.trim_start_matches("{1:").len().max(1);
        let levels = if open == "{1:(" { 100 } else { levels };
        let nested = |levels: usize| format!("{}1{}", open.repeat(levels), close.repeat(levels));
        assert!(read(&nested(levels)).is_ok(), "{open}");
        let error = read(&nested(levels + 1)).unwrap_err();
        assert_eq!((error.kind(), error.class()), (Kind::TooDeep, "builtins.SyntaxError"), "{open}");
    }
    let mut settings = Settings::default();
    settings.limits.depth = 3;
    let bytes = Bytes::from_static(b"[[[[]]]]");
    let error = Codec::Serpent.decode_value(&bytes, &settings).unwrap_err();
    assert_eq!((error.kind(), error.class()), (Kind::TooDeep, "builtins.RecursionError"));
}

#[test]
fn strings_and_bytes_are_borrowed_and_shared() {
    let bytes = Bytes::from_static(b"['text', b'data']");
    let settings = Settings::default();
    let mut reader = SerpentReader::new(&bytes, &settings);
    assert_eq!(reader.next(), Ok(Token::List(None)));
    assert!(matches!(reader.next(), Ok(Token::Str(Cow::Borrowed("text")))));
    let Ok(Token::Bytes(Cow::Borrowed(data))) = reader.next() else { panic!("not borrowed") };
    assert_eq!(reader.share(data).as_ptr(), bytes[11..].as_ptr());
}

#[test]
fn a_call_is_opened_up_to_its_arguments() {
    let call = |text: &'static str| -> Result<String> {
        let (bytes, settings) = (Bytes::from_static(text.as_bytes()), Settings::default());
        let (head, mut reader) = Codec::Serpent.call_reader(&bytes, &settings)?;
        let (positional, keywords) = (read_value(&mut reader)?, read_value(&mut reader)?);
        reader.finish()?;
        Ok(format!("{} {} {positional} {keywords}", head.object, head.method))
    };
    for (text, shown) in [
        ("# serpent utf-8 python3.2\n('obj','add',(2,3),{})", "obj add (2, 3) {}"),
        ("('obj','add',(),{'x':1})", "obj add () {'x': 1}"),
        ("('obj','add',([1],),{})", "obj add ([1],) {}"),
        ("('obj','add',([1],(2,)),{})\n", "obj add ([1], (2,)) {}"),
        ("( 'obj' , 'add' , ( [1] , ) , None , ) # x", "obj add ([1],) None"),
        ("['obj','<batch>',[('add',(1,),{})],{}]", "obj <batch> [('add', (1,), {})] {}"),
        ("(('obj','add',(),{}))", "obj add () {}"),
        ("('obj','add',(5),{})", "obj add 5 {}"),
    ] {
        assert_eq!(call(text).as_deref(), Ok(shown), "{text:?}");
    }
    for (text, message) in [
        ("5", "a call should be a tuple, not int"),
        ("('obj',5,(),{})", "a call's method should be a string, not int"),
        ("('obj','add',(),{},5)", "a call should have four parts, not more"),
        ("('obj','add',([1]),{})", "the positional arguments are no tuple"),
        ("('obj','add',(),{})5", "invalid syntax: unexpected '5'"),
        ("('obj','add',(),{}", "'(' was never closed"),
    ] {
        assert_eq!(call(text).map_err(|error| error.message().to_owned()), Err(message.to_owned()), "{text:?}");
    }
    assert!(call("('obj','add')").is_err());
    assert!(call("('obj','add',())").is_err());
}
