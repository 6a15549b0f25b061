"""Downloads and uploads a file with nothing but Pyro5: URI, serializer, name at the server, file here, name of the copy there.

With serpent, bytes arrive as a dict of base64 text, which serpent.tobytes() reads; with msgpack they are bytes.
"""

import hashlib
import sys

import Pyro5.api
import Pyro5.errors
import serpent

uri, serializer, name, path, copy = sys.argv[1:]
Pyro5.config.SERIALIZER = serializer

with Pyro5.api.Proxy(uri) as files:
    stat = files.stat(name)
    print(stat["name"], stat["size"], sorted(entry["name"] for entry in files.list()))

    digest = hashlib.sha256()
    with open(path, "wb") as out:
        for chunk in files.read(name):
            chunk = chunk if isinstance(chunk, bytes) else serpent.tobytes(chunk)
            digest.update(chunk)
            out.write(chunk)
    print("downloaded", digest.hexdigest() == files.checksum(name))

    middle = files.read(name, offset=1000, length=5000, chunk=2000)
    middle = [chunk if isinstance(chunk, bytes) else serpent.tobytes(chunk) for chunk in middle]
    with open(path, "rb") as whole:
        print("a part", [len(chunk) for chunk in middle], b"".join(middle) == whole.read()[1000:6000])

    begun = files.begin(copy, stat["size"])
    with open(path, "rb") as source:
        source.seek(begun["offset"])
        while chunk := source.read(100_000):
            files.write(begun["upload"], chunk)
    print("uploaded", files.finish(begun["upload"], checksum=digest.hexdigest())["size"] == stat["size"])

    for wrong in ("../secret", "/etc/passwd", "a\0b", "C:\\x", "nul", ""):
        for method in (files.stat, files.checksum, files.read, lambda name: files.begin(name, 1)):
            try:
                method(wrong)
                print("taken", wrong)
            except ValueError as error:
                assert "refused" in str(error), error
    for missing, method in (("missing", files.stat), ("missing/file", files.read), ("missing", files.list)):
        try:
            method(missing)
            print("found", missing)
        except FileNotFoundError:
            pass
    try:
        files.begin(copy, 1)
        print("replaced")
    except FileExistsError as error:
        print("FileExistsError:", error)
    begun = files.begin("other", 3)
    try:
        files.begin("other", 3)
        print("twice")
    except BlockingIOError as error:
        print("BlockingIOError:", error)
    files.write(begun["upload"], b"abc")
    for wrong in (lambda: files.write(begun["upload"], b"d"), lambda: files.finish(begun["upload"], "00")):
        try:
            wrong()
        except ValueError as error:
            print("ValueError:", error)
    print(sorted(entry["name"] for entry in files.list()))
