# SPDX-License-Identifier: MIT
"""Makes corpus/rtmp_session: python3 tests/fuzz/rtmp-corpus.py

Recorded publishers (tests/data/rtmp: ffmpeg, OBS, librtmp, GStreamer's
rtmp2sink) without their handshakes, one with it, and sessions put together
here for what those do not send: Enhanced RTMP, aggregates, AMF3, aborts,
publishing again. Byte 0 and 1 of a seed are read in fuzz_rtmp_session.c.
"""
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
OUT = HERE / "corpus/rtmp_session"
RECORDED = HERE.parent / "data/rtmp"
HANDSHAKE = 1 + 2 * 1536
NO_HANDSHAKE, REFUSE, REFUSE_LATER, LOW_LIMITS, RECONNECT, SEND_ELSEWHERE = (1 << bit for bit in range(6))


def string(text):
    return b"\x02" + struct.pack(">H", len(text)) + text


def number(value):
    return b"\x00" + struct.pack(">d", value)


def members(**values):
    return b"".join(struct.pack(">H", len(name)) + name.encode() + value for name, value in values.items()) + b"\0\0\x09"


def obj(**values):
    return b"\x03" + members(**values)


def ecma(**values):
    return b"\x08" + struct.pack(">I", len(values)) + members(**values)


def strict(*values):
    return b"\x0a" + struct.pack(">I", len(values)) + b"".join(values)


def basic(kind, stream):
    if stream < 64:
        return bytes([kind << 6 | stream])
    if stream < 320:
        return bytes([kind << 6, stream - 64])
    return bytes([kind << 6 | 1]) + struct.pack("<H", stream - 64)


class Wire:
    """Chunks as a publisher writes them."""

    def __init__(self):
        self.bytes, self.size = b"", 128

    def message(self, kind, body, stream=3, time=0, sid=1):
        stamp = struct.pack(">I", min(time, 0xffffff))[1:]
        more = struct.pack(">I", time) if time >= 0xffffff else b""
        self.bytes += basic(0, stream) + stamp + struct.pack(">I", len(body))[1:] + bytes([kind]) + struct.pack("<I", sid) + more
        self.bytes += body[:self.size]
        for at in range(self.size, len(body), self.size):
            self.bytes += basic(3, stream) + more + body[at:at + self.size]
        return self

    def call(self, name, *arguments, transaction=0, sid=0):
        return self.message(20, string(name) + number(transaction) + b"".join(arguments), sid=sid)

    def chunk_size(self, size):
        self.message(1, struct.pack(">I", size), stream=2, sid=0)
        self.size = size
        return self

    def connect(self, **more):
        return self.call(b"connect", obj(app=string(b"live/?a=b"), tcUrl=string(b"rtmp://h/live"), flashVer=string(b"FMLE/3.0"), **more), transaction=1)

    def publish(self, name=b"n?key=s"):
        return self.call(b"publish", b"\x05", string(name), string(b"live"), transaction=5, sid=1)


def ex_video(frame, packet, fourcc, body=b""):
    return bytes([0x80 | frame << 4 | packet]) + fourcc + body


def multitrack(kind, packet, *tracks):
    body = b"".join(fourcc + bytes([index]) + struct.pack(">I", len(data))[1:] + data for index, fourcc, data in tracks)
    return bytes([kind, 0x20 | packet]) + body


def mod_ex(first, size, offset, rest):
    return bytes([first]) + bytes([size - 1]) + offset.to_bytes(size, "big") + rest


COLOR = string(b"colorInfo") + obj(
    colorConfig=obj(bitDepth=number(10), colorPrimaries=number(9), transferCharacteristics=number(16), matrixCoefficients=number(9)),
    hdrCll=obj(maxFall=number(400), maxCLL=number(1000)),
    hdrMdcv=obj(redX=number(0.68), redY=number(0.32), greenX=number(0.26), greenY=number(0.69), blueX=number(0.15),
                blueY=number(0.06), whitePointX=number(0.31), whitePointY=number(0.33), maxLuminance=number(1000), minLuminance=number(0.001)))


def enhanced():
    wire = Wire().connect(fourCcList=strict(string(b"hvc1"), string(b"av01"), string(b"Opus")), capsEx=number(15),
                          videoFourCcInfoMap=obj(**{"*": number(4)}), audioFourCcInfoMap=obj(fLaC=number(1)))
    wire.chunk_size(4096).call(b"createStream", b"\x05", transaction=4).publish()
    for fourcc in (b"hvc1", b"av01", b"vp09", b"avc1"):
        wire.message(9, ex_video(1, 0, fourcc, b"\x01\x01\x60" + bytes(20)), stream=6)
        wire.message(9, ex_video(1, 4, fourcc, COLOR), stream=6)
        wire.message(9, ex_video(1, 1, fourcc, b"\0\0\x21" + bytes(60)), stream=6, time=33)
        wire.message(9, ex_video(2, 3, fourcc, bytes(60)), stream=6, time=66)
        wire.message(9, ex_video(2, 2, fourcc), stream=6, time=99)
    wire.message(9, b"\xd3\x02", stream=6)  # a command: no tracks
    wire.message(9, multitrack(0x96, 0x00, (0, b"hvc1", bytes(9)), (1, b"av01", bytes(5))), stream=6, time=100)
    wire.message(9, bytes([0x96, 0x11]) + b"avc1" + b"\0\0\0\x08\0\0\x05" + bytes(5) + b"\x01\0\0\x04\0\0\x05\x09", stream=6, time=133)
    wire.message(9, bytes([0x96, 0x01]) + b"hvc1" + b"\x02\0\0\0" + bytes(9), stream=6, time=150)
    wire.message(9, mod_ex(0xa7, 3, 123456, b"\x03hvc1" + bytes(9)), stream=6, time=166)
    wire.message(9, mod_ex(0xa7, 256, 1, b"\x03hvc1" + bytes(9)), stream=6, time=170)
    for fourcc in (b"Opus", b"fLaC", b"ac-3", b"ec-3", b".mp3", b"mp4a"):
        wire.message(8, b"\x90" + fourcc + b"OpusHead\x01\x02" + bytes(9), stream=4)
        wire.message(8, b"\x94" + fourcc + b"\x01\x06" + struct.pack(">I", 0x3f), stream=4)
        wire.message(8, b"\x91" + fourcc + bytes(30), stream=4, time=20)
        wire.message(8, b"\x92" + fourcc, stream=4, time=40)
    wire.message(8, multitrack(0x95, 0x01, (0, b"Opus", bytes(9)), (1, b"mp4a", bytes(5))), stream=4, time=60)
    wire.message(8, mod_ex(0x97, 3, 999999, b"\x01Opus" + bytes(9)), stream=4, time=80)
    return wire.bytes


def tag(kind, time, body):
    return bytes([kind]) + struct.pack(">I", len(body))[1:] + struct.pack(">I", time)[1:] + bytes([time >> 24]) + bytes(3) + body + struct.pack(">I", len(body) + 11)


def control():
    """All that is no media: every command, and messages of the protocol."""
    wire = Wire()
    wire.call(b"_checkbw", b"\x05", transaction=9).call(b"unheard", b"\x05", transaction=8).connect()
    wire.message(5, struct.pack(">I", 100), stream=2, sid=0).message(3, struct.pack(">I", 3000), stream=2, sid=0)
    wire.message(6, struct.pack(">IB", 2500000, 2), stream=2, sid=0)
    wire.message(4, struct.pack(">HI", 6, 12345), stream=2, sid=0).message(4, struct.pack(">HII", 3, 1, 500), stream=2, sid=0)
    wire.call(b"releaseStream", b"\x05", string(b"n"), transaction=2).call(b"FCPublish", b"\x05", string(b"n"), transaction=3)
    wire.call(b"createStream", b"\x05", transaction=4).call(b"getStreamLength", b"\x05", string(b"n"), transaction=6)
    wire.call(b"play", b"\x05", string(b"n"), sid=1).call(b"play2", b"\x05", obj(), sid=1).call(b"_result", b"\x05").call(b"onStatus", b"\x05", obj())
    wire.publish().publish()
    data = string(b"onMetaData") + ecma(width=number(1280), stereo=b"\x01\x01", encoder=string(b"e"), keyframes=obj(times=strict(number(0), number(2))), when=b"\x0b" + bytes(10))
    wire.message(18, string(b"@setDataFrame") + data, stream=5).message(18, data, stream=5).message(15, b"\0" + data, stream=5)
    wire.message(18, string(b"onMetaData") + b"\x08\0\0\0\x01\0\x01a\x05", stream=5)  # ends with the message
    wire.message(18, string(b"onTextData") + obj(text=string(b"hi"), xml=b"\x0f\0\0\0\x03<a>", long=b"\x0c\0\0\0\x01x", ref=b"\x07\0\0", typed=b"\x10\0\x01C" + members(a=b"\x06"), none=b"\x0d"), stream=5)
    wire.message(8, b"\xaf\x00\x11\x90", stream=4).message(9, b"\x17\x00\0\0\0\x01\x64\0\x1e\xff\xe1\0\0\x01\0\0", stream=6)
    wire.message(22, tag(9, 1000, b"\x17\x01\0\0\0" + bytes(40)) + tag(8, 1010, b"\xaf\x01" + bytes(9)) + tag(18, 1020, data) + tag(9, 1033, b"\x27\x01\0\0\x21" + bytes(9)), stream=6, time=500)
    wire.bytes += basic(0, 7) + b"\0\0\0\0\x10\0\x09\x01\0\0\0" + bytes(128)  # begun, then aborted
    wire.message(2, struct.pack(">I", 7), stream=2, sid=0)
    wire.chunk_size(1).message(9, b"\x27\x01\0\0\0abc", stream=400, time=0x1000000).chunk_size(0xffffff).message(9, b"\x27\x01\0\0\0" + bytes(300), stream=70, time=0xfffffff0)
    wire.message(9, b"", stream=6).message(9, b"\x57\x00", stream=6).message(9, b"\x22\0\0", stream=6).message(8, b"\x22\0", stream=4)
    wire.bytes += basic(1, 6) + b"\0\0\x21\0\0\x06\x09" + b"\x27\x01\0\0\0a" + basic(2, 6) + b"\0\0\x21" + b"\x27\x01\0\0\0b" + basic(3, 6) + b"\x27\x01\0\0\0c"
    return wire


def endings():
    """Published, ended in each way, and published again."""
    wire = control()
    for end in (lambda: wire.call(b"closeStream", b"\x05", sid=1), lambda: wire.call(b"deleteStream", b"\x05", number(1)),
                lambda: wire.call(b"FCUnpublish", b"\x05", string(b"n"), transaction=7)):
        end()
        wire.publish().message(8, b"\xaf\x01abc", stream=4)
    wire.message(17, b"\0" + string(b"deleteStream") + number(0) + b"\x05" + number(1), sid=0)
    return wire.bytes


def broken():
    """What ends a connection, one after the other; the fuzz target goes on with the next."""
    start = Wire().connect().bytes
    return b"".join([
        start + Wire().connect().bytes,
        start + basic(3, 9), start + basic(0, 6) + b"\0\0\0\xff\xff\xff\x09\x01\0\0\0",
        start + Wire().message(1, struct.pack(">I", 0), stream=2).bytes,
        start + Wire().message(20, string(b"x") + number(0) + strict(strict(strict(strict(strict()))))).bytes,
        start + Wire().message(22, b"\x09\0\0\x50" + bytes(7)).bytes,
        start + Wire().message(4, b"\0", stream=2).bytes, start + Wire().message(20, b"\x11").bytes,
    ])


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    seeds = {"enhanced": (NO_HANDSHAKE, 7, enhanced()), "endings": (NO_HANDSHAKE, 0, endings()),
             "endings-low": (NO_HANDSHAKE | LOW_LIMITS | RECONNECT, 3, endings()),
             "refused": (NO_HANDSHAKE | REFUSE, 2, endings()), "elsewhere": (NO_HANDSHAKE | SEND_ELSEWHERE, 4, enhanced()),
             "codec": (NO_HANDSHAKE | REFUSE_LATER, 5, enhanced()), "broken": (NO_HANDSHAKE | RECONNECT, 6, broken()),
             "http": (0, 1, b"GET / HTTP/1.1\r\n\r\n"), "tls": (0, 1, b"\x16\x03\x01\x02\0"), "rtmpe": (0, 1, b"\x06")}
    for path in sorted(RECORDED.glob("*.rtmp")):
        seeds[path.stem] = (NO_HANDSHAKE, len(seeds), path.read_bytes()[HANDSHAKE:])
    seeds["with-handshake"] = (0, 9, (RECORDED / "ffmpeg-5.1.rtmp").read_bytes())
    for name, (flags, seed, data) in seeds.items():
        (OUT / name).write_bytes(bytes([flags, seed]) + data)
    print(f"{len(seeds)} seeds, {sum(path.stat().st_size for path in OUT.iterdir())} bytes")


main()
