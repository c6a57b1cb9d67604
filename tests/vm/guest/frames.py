"""What host and guest say to each other on the serial port: a letter, a length, bytes.

From the host:                                     From the guest:
  R  run: a JSON object, see `agent`                 H  here I am: at first, and after P
  I  bytes for stdin; none is its end                A  those bytes are written
  W  the terminal's size, JSON                       O, E  stdout, stderr
  P  are you there?                                  S  the exit status, as text
"""
import os
import struct

HEADER = struct.Struct("<cI")
CHUNK = 4096  # stdin goes in pieces of this size, one at a time: no side ever has to wait in write


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


def send(fd, kind, data=b""):
    write_all(fd, HEADER.pack(kind, len(data)) + data)


def read_exactly(fd, size):
    data = b""
    while len(data) < size:
        piece = os.read(fd, size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def receive(fd):
    kind, size = HEADER.unpack(read_exactly(fd, HEADER.size))
    return kind, read_exactly(fd, size)
