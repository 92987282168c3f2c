"""frames.py: Ethernet frames made byte by byte, for tests that say what is in them.

from frames import *
send("peer0", [eth(ipv4(udp(40000, 53, b"..."), "10.9.0.2", "10.9.0.1"))])
capture("frames.pcap", ...) writes them to a file.
"""
import socket
import struct

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33,
         "HTTPS": 65}


def eth(payload, proto=None, tags=(), src=b"\2\0\0\0\0\1", dst=b"\xff" * 6):
    """tags: (type, VLAN), the outer one first. Without proto it is what the payload is."""
    if proto is None:
        proto = 0x86DD if payload[:1] and payload[0] >> 4 == 6 else 0x0800
    frame = dst + src
    for kind, vlan in tags:
        frame += struct.pack(">HH", kind, vlan)
    return frame + struct.pack(">H", proto) + payload


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def with_checksum(proto, payload, addresses):
    """addresses: source and destination. Of what is not TCP or UDP nothing is known."""
    at = {6: 16, 17: 6}.get(proto)
    if at is None:
        return payload
    sum = checksum(addresses + struct.pack(">II", len(payload), proto) + payload) or 0xFFFF
    return payload[:at] + struct.pack(">H", sum) + payload[at + 2:]


def ipv4(transport, src="10.9.0.2", dst="10.9.0.1", options=b"", offset=0, more=False):
    """transport: (protocol, bytes); offset: of a fragment, in units of 8 bytes."""
    proto, payload = transport
    addresses = socket.inet_aton(src) + socket.inet_aton(dst)
    payload = with_checksum(proto, payload, addresses)
    words = 5 + len(options) // 4
    header = struct.pack(">BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), 1, offset | more << 13, 64, proto,
                         0) + addresses + options
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + payload


def ipv6(transport, src="fd00::2", dst="fd00::1", extensions=()):
    """extensions: (protocol, bytes without the first one, which says what follows)."""
    proto, payload = transport
    addresses = socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst)
    payload = with_checksum(proto, payload, addresses)
    for number, rest in reversed(extensions):
        payload = bytes([proto]) + rest + payload
        proto = number
    return struct.pack(">IHBB", 6 << 28, len(payload), proto, 64) + addresses + payload


def udp(sport, dport, payload=b""):
    return 17, struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def tcp(sport, dport, flags, seq=0, ack=0, payload=b"", options=b"", window=1000):
    return 6, struct.pack(">HHIIBBHHH", sport, dport, seq, ack, (5 + len(options) // 4) << 4, flags, window, 0,
                          0) + options + payload


def dns(qtype, id=1, response=False, rcode=0, truncated=False, opcode=0, name="www.example.org", question=True):
    flags = response << 15 | opcode << 11 | truncated << 9 | rcode
    message = struct.pack(">HHHHHH", id, flags, question, 0, 0, 0)
    if question:
        for label in name.split("."):
            message += bytes([len(label)]) + label.encode()
        message += struct.pack(">BHH", 0, TYPES.get(qtype) or int(qtype), 1)
    return message


def send(interface, frames):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        for frame in frames:
            # With the frame's own type, as if it came from a driver.
            out.sendto(frame, (interface, struct.unpack(">H", frame[12:14])[0]))


def capture(file, frames):
    with open(file, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            out.write(struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame)
