"""What a method raises, on the client's side."""

import builtins
import re

import Pyro5.errors

from .support import CLASS_DICTS, case, gave, raised

BUILTINS = sorted(
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    # These want particular arguments; they are tried by themselves.
    and not issubclass(kind, (UnicodeError, BaseExceptionGroup))
    # A generator that raises these means something else.
    and name not in ("StopIteration", "StopAsyncIteration")
)


@case
def every_builtin_exception_arrives_as_itself(at):
    proxy = at.proxy()
    errors = {name: raised(proxy.raise_builtin, name, ["what is wrong"]) for name in BUILTINS}
    for name, error in errors.items():
        assert type(error) is getattr(builtins, name) and isinstance(error, Exception), name
    return errors


@case
def exceptions_arrive_without_arguments(at):
    proxy = at.proxy()
    return [raised(proxy.raise_builtin, name, []) for name in ("ValueError", "KeyError", "OSError", "AssertionError")]


@case
def exceptions_arrive_with_several_arguments(at):
    proxy = at.proxy()
    return [
        raised(proxy.raise_builtin, "ValueError", ["a", 2, [3, "four"], None, {"five": 6.5}]),
        raised(proxy.raise_builtin, "OSError", [2, "No such file or directory"]),
        raised(proxy.raise_builtin, "KeyError", [3]),
    ]


@case
def a_system_error_arrives_as_the_class_of_its_number(at):
    error = raised(at.proxy().raise_builtin, "FileNotFoundError", [2, "No such file", "/some/path"])
    assert type(error) is FileNotFoundError


@case
def unicode_errors_arrive_with_all_they_know(at):
    if at.serializer == "json":
        return None
    args = ["utf-8", b"\xff", 0, 1, "invalid start byte"]
    if at.serializer == "serpent":
        return type(gave(at.proxy().raise_builtin, "UnicodeDecodeError", args)).__name__
    return raised(at.proxy().raise_builtin, "UnicodeDecodeError", args)


@case
def stop_iteration_is_an_exception_like_others(at):
    assert type(raised(at.proxy().raise_builtin, "StopIteration", [])) is StopIteration


@case
def pyros_own_exceptions_arrive_as_themselves(at):
    proxy = at.proxy()
    # What is wrong with the communication is not told to the other side, but closes the connection.
    names = ("PyroError", "NamingError", "DaemonError", "SerializeError")
    return [raised(proxy.raise_pyro, name, f"a {name}") for name in names]


@case
def a_security_error_arrives(at):
    error = raised(at.proxy().raise_pyro, "SecurityError", "not for you")
    assert type(error) is Pyro5.errors.SecurityError and error.args == ("not for you",)


@case
def attributes_of_exceptions_arrive(at):
    error = raised(at.proxy().raise_with_attributes)
    assert (error.code, error.details) == (42, ["a", "b"])
    return error


@case(serializers=CLASS_DICTS)
def an_exception_of_an_unknown_class_is_a_serialize_error(at):
    error = raised(at.proxy().raise_custom)
    assert type(error) is Pyro5.errors.SerializeError
    assert str(error).startswith("unsupported serialized class: ") and str(error).endswith("CustomError")


@case
def the_remote_traceback_is_found(at):
    try:
        at.proxy().raise_builtin("ValueError", ["here"])
    except ValueError as error:
        text = "".join(Pyro5.errors.get_pyro_traceback())
        assert type(error._pyroTraceback) is list and all(type(line) is str for line in error._pyroTraceback)
    # Pyro4 spells it otherwise.
    assert re.search(r"This exception occurr?ed remotely \(Pyro\) - Remote traceback:", text)
    remote = text.split("Remote traceback:")[1]
    assert "Traceback (most recent call last):" in remote
    assert "raise_builtin" in remote and "ValueError: here" in remote, remote


@case
def a_traceback_passes_through_a_daemon_between(at):
    """An exception that a called object got from another object tells of both."""
    proxy = at.proxy()
    error = raised(proxy.call_back, str(proxy._pyroUri), "half", "a text")
    assert type(error) is TypeError
    assert error._pyroTraceback


@case
def the_connection_survives_exceptions(at):
    proxy = at.proxy()
    proxy._pyroBind()
    socket = proxy._pyroLocalSocket
    for _ in range(20):
        assert type(raised(proxy.divide, 1, 0)) is ZeroDivisionError
    assert proxy.divide(7, 2) == 3 and proxy._pyroLocalSocket == socket


@case(serializers=("marshal", "json"))
def an_exception_that_cannot_be_serialized_is_reported(at):
    kind = {"marshal": "decimal", "json": "bytes"}[at.serializer]
    error = raised(at.proxy().raise_unserializable, kind)
    assert type(error) is Pyro5.errors.PyroError, repr(error)
    start, original = str(error).split(". Original exception: ")
    assert start.startswith("Error serializing exception: ")
    assert original.startswith("<class 'ValueError'>: "), str(error)
    assert error._pyroTraceback


@case
def division_by_zero_is_one(at):
    return raised(at.proxy().divide, 1, 0)


@case
def exceptions_are_values_too(at):
    """Not raised, but given: as an argument and as a result."""
    if at.serializer == "marshal":
        # Marshal converts what is outermost only.
        return at.proxy().echo(ValueError("a value"))
    return [at.proxy().echo(ValueError("a value", 1)), at.proxy().echo([KeyError("in"), "a list"])]
