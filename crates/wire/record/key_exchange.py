"""Prints the tables of src/multiprocessing/recorded.rs: what both ends of an authenticated connection send, in order.

Run with a Python up to 3.11 for OLD, and from 3.12 on for NEW and DIGESTS:

    python3 crates/wire/record/key_exchange.py
"""

import hmac
import multiprocessing.connection as mp
import os
import queue
import threading

KEY = b"secret \x00\xff"
# Each end has random bytes of its own.
RANDOM = {"server": bytes(range(64)), "client": bytes(range(128, 192))}
os.urandom = lambda count: RANDOM[threading.current_thread().name][:count]


class End:
    """A connection to another thread, which notes what is sent."""

    def __init__(self, sent, into, out_of):
        self.sent, self.into, self.out_of = sent, into, out_of

    def send_bytes(self, message):
        self.sent.append((threading.current_thread().name, bytes(message)))
        self.into.put(bytes(message))

    def recv_bytes(self, maxlength):
        message = self.out_of.get(timeout=10)
        assert len(message) <= maxlength
        return message


def serve(end, key):
    mp.deliver_challenge(end, key)
    mp.answer_challenge(end, key)


def connect(end, key):
    mp.answer_challenge(end, key)
    mp.deliver_challenge(end, key)


def exchange(server_key, client_key):
    sent, one, other = [], queue.Queue(), queue.Queue()

    def run(role, *args):
        try:
            role(*args)
        except mp.AuthenticationError:
            pass

    ends = [
        threading.Thread(name="server", target=run, args=(serve, End(sent, one, other), server_key)),
        threading.Thread(name="client", target=run, args=(connect, End(sent, other, one), client_key)),
    ]
    for end in ends:
        end.start()
    for end in ends:
        end.join()
    return sent


def rust(data):
    return 'b"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else "\\x%02x" % b for b in data) + '"'


def table(name, sent):
    print("pub(super) const %s: &[(Role, &[u8])] = &[" % name)
    for who, message in sent:
        print("    (Role::%s, %s)," % (who.capitalize(), rust(message)))
    print("];")


new = hasattr(mp, "_create_response")
table("NEW" if new else "OLD", exchange(KEY, KEY))
table("NEW_REFUSED" if new else "OLD_REFUSED", exchange(KEY, b"another"))
# An old end takes all of a new challenge for random bytes; the new end has to accept that.
challenge = b"{sha256}" + RANDOM["server"][:40]
if new:
    mp._verify_challenge(KEY, challenge, hmac.new(KEY, challenge, "md5").digest())
else:
    sent, answers = [], queue.Queue()
    answers.put(b"#CHALLENGE#" + challenge)
    answers.put(b"#WELCOME#")
    mp.answer_challenge(End(sent, queue.Queue(), answers), KEY)
    print("pub(super) const OLD_ANSWER: &[u8] = %s;" % rust(sent[0][1]))
if new:
    print("pub(super) const DIGESTS: &[(&[u8], &[u8])] = &[")
    for digest in ["md5", "sha256", "sha384", "sha3_256", "sha3_384"]:
        challenge = b"{%s}%s" % (digest.encode(), RANDOM["server"][:40])
        print("    (%s, %s)," % (rust(challenge), rust(mp._create_response(KEY, challenge))))
    # One of the old kind.
    challenge = RANDOM["server"][:20]
    print("    (%s, %s)," % (rust(challenge), rust(mp._create_response(KEY, challenge))))
    print("];")
