"""Runs one case with Python's client of XML-RPC: against Python's server, which shows that the case is right, and against ours.

xmlrpc_client.py CASE THEIR_PORT OUR_PORT
xmlrpc_client.py --list

A case that gives something has it compared: both servers have to give the same.
"""

import datetime
import faulthandler
import gzip
import http.client
import socket
import sys
import threading
import traceback
import xmlrpc.client

PATIENCE = 60
CASES = {}


def case(run):
    CASES[run.__name__] = run
    return run


class At:
    """A server to try."""

    def __init__(self, port):
        self.port = port

    def proxy(self, path="", **options):
        return xmlrpc.client.ServerProxy(f"http://127.0.0.1:{self.port}{path}", **options)

    def post(self, body, headers=(), path="/RPC2", method="POST", length=True):
        """A raw request: status, content type and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in dict(headers).items():
            connection.putheader(name, value)
        if length:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, answer.getheader("Content-Type"), answer.getheader("Content-Encoding"), data


def raised(work, *args):
    try:
        result = work(*args)
    except xmlrpc.client.Fault as fault:
        return fault.faultCode, fault.faultString
    except Exception as error:
        return type(error).__name__, str(error)
    raise AssertionError(f"nothing was raised, the result is {result!r}")


VALUES = [
    0, -1, 2**31 - 1, -(2**31), True, False, 1.5, -0.0, 1e300, float("inf"), "", "text", "a&b<c>d \"e\" 'f'", "äöü €", "\U0001f600", "a\nb\tc", "]]>",
    [], [1, [2, [3]]], {}, {"a": {"b": [1, "x"]}, "": 0}, {"é<": "&"}, b"", b"abc\0\xff", bytes(range(256)) * 10,
    datetime.datetime(2024, 2, 29, 12, 34, 56), datetime.datetime(1, 1, 1), "x" * 5000,
]


@case
def values_come_back_as_they_were(at):
    proxy = at.proxy(use_builtin_types=True)
    seen = [proxy.echo(value) for value in VALUES]
    assert seen == VALUES and [type(value) for value in seen] == [type(value) for value in VALUES]
    return proxy.echo(VALUES)


@case
def wrappers_come_back_as_they_were(at):
    proxy = at.proxy()
    when, data = xmlrpc.client.DateTime("20240102T03:04:05"), xmlrpc.client.Binary(b"abc")
    seen = proxy.echo([when, data])
    assert seen == [when, data]
    return str(seen[0]), seen[1].data


@case
def functions_are_called_by_name(at):
    proxy = at.proxy()
    assert proxy.add(3, 4) == 7 and proxy.add("a", "b") == "ab" and proxy.sub(5, 7) == -2
    assert proxy.count() == 0 and proxy.count(1, "x", []) == 3
    return proxy.add([1], [2])


@case
def methods_are_called_behind_the_last_dot(at):
    return at.proxy().some.thing.echo("x")


@case
def both_paths_lead_there(at):
    return [at.proxy(path).add(1, 2) for path in ("", "/", "/RPC2")]


@case
def exceptions_are_faults(at):
    proxy = at.proxy()
    return [
        raised(proxy.sub, [1, 2], 4),
        raised(proxy.fail, "ValueError", "a <b> & c"),
        raised(proxy.fail, "KeyError", "key"),
        raised(proxy.fail, "ZeroDivisionError", ""),
        raised(proxy.add, 1),
        raised(proxy.add, 1, 2, 3),
        raised(proxy.add),
    ]


@case
def faults_keep_their_code(at):
    return raised(at.proxy().fault, 42, "the answer")


@case
def unknown_methods_are_faults(at):
    proxy = at.proxy()
    return [raised(getattr(proxy, name)) for name in ("nope", "some.thing.nope", "nope.nope", "_private", "é")]


@case
def what_cannot_be_written_is_a_fault(at):
    proxy = at.proxy()
    return [raised(proxy.nothing), raised(proxy.long)]


@case
def none_is_read_where_it_comes(at):
    return raised(at.proxy(allow_none=True).echo, None)


@case
def methods_are_listed(at):
    names = at.proxy().system.listMethods()
    assert names == sorted(names)
    return [name for name in names if name not in ("connections", "last_encoding")]


@case
def methods_have_help(at):
    system = at.proxy().system
    assert system.methodHelp("system.listMethods")
    return [system.methodHelp(name) for name in ("echo", "sub", "add", "nope")]


@case
def signatures_are_not_supported(at):
    return at.proxy().system.methodSignature("add")


@case
def introspection_takes_its_arguments_only(at):
    system = at.proxy().system
    return [raised(system.listMethods, 1), raised(system.methodHelp), raised(system.methodHelp, 1, 2), raised(system.multicall), raised(system.nope)]


@case
def a_multicall_gives_each_result(at):
    multi = xmlrpc.client.MultiCall(at.proxy())
    multi.add(1, 2)
    multi.sub([1], 2)
    multi.nope()
    multi.some.thing.echo({"a": 1})
    multi.system.methodSignature("add")
    results = multi()
    return [results[0], raised(results.__getitem__, 1), raised(results.__getitem__, 2), results[3], results[4]]


@case
def a_multicall_of_nothing_is_nothing(at):
    return at.proxy().system.multicall([])


@case
def wrong_multicalls_are_faults(at):
    multicall = at.proxy().system.multicall
    wrong = [5, "ab", [5], ["x"], [[]], [{}], [{"methodName": "add"}], [{"params": []}], True, [1.5], {"a": 1}]
    return [raised(multicall, calls) for calls in wrong]


@case
def many_calls_go_over_one_connection(at):
    with at.proxy() as proxy:
        return [proxy.add(number, 1) for number in range(50)]


@case
def many_clients_call_at_once(at):
    results = [None] * 8

    def run(number):
        with at.proxy() as proxy:
            results[number] = [proxy.add(number, other) for other in range(20)]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@case
def requests_may_be_compressed(at):
    transport = xmlrpc.client.Transport()
    transport.encode_threshold = 100
    proxy = at.proxy(transport=transport)
    return len(proxy.echo("abc" * 1000))


@case
def long_responses_are_compressed_for_those_who_take_it(at):
    call = xmlrpc.client.dumps(("x" * 5000,), "echo").encode()
    short = xmlrpc.client.dumps(("x",), "echo").encode()
    seen = []
    for body, accepts in ((call, "gzip"), (call, "gzip;q=0"), (call, "deflate"), (call, "a, gzip;q=0.1"), (short, "gzip")):
        status, kind, encoding, data = at.post(body, {"Accept-Encoding": accepts})
        seen.append((status, kind, encoding, gzip.decompress(data) if encoding == "gzip" else data))
    assert [encoding for _, _, encoding, _ in seen] == ["gzip", None, None, "gzip", None]
    return seen


@case
def encodings_are_read(at):
    seen = []
    for encoding in ("utf-8", "iso-8859-1", "us-ascii", "utf-16"):
        seen.append(at.proxy(encoding=encoding).echo("é€"))
    return seen


@case
def documents_are_answered_byte_for_byte(at):
    call = "<methodCall><methodName>%s</methodName><params>%s</params></methodCall>"
    value = "<param><value>%s</value></param>"
    bodies = [
        "", "x", "<a>", "<a/>", "<a></b>", "<methodCall/>", "<params/>", "<methodCall><methodName>add</methodName></methodCall>", "<a>&x;</a>",
        call % ("add", value % "<int>1</int>" + value % "<i4>2</i4>"), call % ("add", value % "a" + value % "<string>b</string>"),
        call % ("echo", value % "<foo/>"), call % ("echo", value % "<int>x</int>"), call % ("echo", value % "<boolean>2</boolean>"),
        call % ("echo", value % "<base64>Y</base64>"), call % ("echo", value % "<dateTime.iso8601>x</dateTime.iso8601>"),
        call % ("echo", value % "<double>1e400</double>"), call % ("echo", value % "<double>nan</double>"), call % ("echo", value % "<i8>99999999999</i8>"),
        call % ("echo", value % "<nil/>"), call % ("echo", value % "<bigdecimal>1.5</bigdecimal>"), call % ("echo", value % "a\r\nb"),
        call % ("", ""), call % (" add ", ""), call % ("a&amp;b", ""), call % ("echo", value % "<struct><member><name>a</name></member></struct>"),
        call % ("echo", value % "<struct><member><name>a</name><value>1</value></member><member><name>a</name><value>2</value></member></struct>"),
        call % ("echo", value % "<array><data><value><nil/></value></data></array>"), call % ("nothing", ""), call % ("long", ""), call % ("letters", value % "<int>3000</int>"),
        xmlrpc.client.dumps(xmlrpc.client.Fault(7, "sent")), "<fault/>", "<fault><value><int>1</int></value></fault>", call % ("echo", value % "\x01"),
        "<params>" + "<value><array><data>" * 200 + "</data></array></value>" * 200 + "</params>",
    ]
    return [at.post(body.encode()) for body in bodies]


@case
def other_requests_are_refused_with_the_same_status(at):
    call = xmlrpc.client.dumps((1, 2), "add").encode()
    seen = [
        at.post(call, path="/nope")[0], at.post(call, path="/RPC2/x")[0], at.post(call, method="PUT")[0], at.post(b"", method="GET")[0],
        at.post(call, {"Content-Encoding": "deflate"}), at.post(call, {"Content-Encoding": "gzip"})[0],
        at.post(gzip.compress(call)[:-10], {"Content-Encoding": "gzip"})[0] in (400, 500),
        at.post(gzip.compress(call), {"Content-Encoding": "GZIP"})[0], at.post(call, path="/nope")[3],
    ]
    return [answer if isinstance(answer, (int, bool, bytes)) else answer[0] for answer in seen]


@case
def a_client_that_leaves_hurts_nobody(at):
    call = xmlrpc.client.dumps((1, 2), "add").encode()
    for part in (b"", b"POST /RPC2 HTTP/1.1\r\n", b"POST /RPC2 HTTP/1.1\r\nContent-Length: 500\r\n\r\n" + call[:50]):
        with socket.create_connection(("127.0.0.1", at.port)) as connection:
            connection.sendall(part)
    return at.proxy().add(1, 2)


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(sorted(CASES)))
        return 0
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    name, *ports = sys.argv[1:]
    seen = []
    for who, port in zip(("Python", "ours"), ports):
        try:
            seen.append(CASES[name](At(int(port))))
        except Exception:
            print(f"--- {name} against {who} fails:")
            traceback.print_exc(file=sys.stdout)
            return 1
    if repr(seen[0]) != repr(seen[1]):
        print(f"--- {name}: the servers differ")
        pairs = zip(*seen) if isinstance(seen[0], list) and len(seen[0]) == len(seen[1]) else [seen]
        for theirs, ours in pairs:
            if repr(theirs) != repr(ours):
                print(f"Python gives {theirs!r}\nours gives   {ours!r}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
