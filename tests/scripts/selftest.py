#!/usr/bin/env python3
"""Tests of the script language and its encoder: known bytes, mistakes in scripts, the expansion, the comparison."""

from __future__ import annotations

import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

from scriptkit import check, links, summary  # noqa: E402
from scriptkit.capture_file import Frame, write_pcap, write_pcapng  # noqa: E402
from scriptkit.checksum import folded_sum, internet_checksum  # noqa: E402
from scriptkit.encoder import encode  # noqa: E402
from scriptkit.expectation import timestamp  # noqa: E402
from scriptkit.model import ACK, SYN, Script, ScriptError, Segment  # noqa: E402
from scriptkit.parser import parse_text  # noqa: E402
from scriptkit.values import duration, icmp_types, sequence_number  # noqa: E402
from scriptkit.variants import unique  # noqa: E402

SYN_ONLY = "# a SYN\n+0 > S\nexpect pending syn_sent elapsed=0 history=S\n"


def script_of(*lines: str) -> Script:
    return parse_text("t.script", "\n".join(("# test", *lines, "expect none")))


class Values(unittest.TestCase):
    def test_durations_are_exact(self) -> None:
        self.assertEqual(duration("0.002"), 2_000_000)
        self.assertEqual(duration("3599.999999999"), 3_599_999_999_999)
        for wrong in ("", "x", "-1", "1.", "0.0000000001"):
            self.assertRaises(ValueError, duration, wrong)

    def test_sequence_numbers_wrap(self) -> None:
        names = {"C": 10, "b.S": 20}.get
        self.assertEqual(sequence_number("C+1", names), 11)
        self.assertEqual(sequence_number("C-11", names), 0xFFFFFFFF)
        self.assertEqual(sequence_number("b.S+C", names), 30)
        self.assertEqual(sequence_number("0xffffffff+2", names), 1)
        for wrong in ("D", "C+", "C 1", "C1x", "+-1"):
            self.assertRaises(ValueError, sequence_number, wrong, names)

    def test_icmp_types(self) -> None:
        self.assertEqual(icmp_types("3/1|1/3"), ((3, 1), (1, 3)))
        self.assertEqual(icmp_types("-|1/2"), (None, (1, 2)))
        for wrong in ("3/1", "3|1/1", "3/1|1/3|4/4"):
            self.assertRaises(ValueError, icmp_types, wrong)


class Language(unittest.TestCase):
    def test_default_numbers(self) -> None:
        script = script_of("+0 > S", "+0.001 < SA", "+0.001 > A", "+1 < R", "+1 < RA", "+1 > RA")
        numbers = [(p.body.seq, p.body.ack) for p in script.packets if isinstance(p.body, Segment)]
        client, server = 0x10000000, 0x18000000
        self.assertEqual(numbers, [(client, 0), (server, client + 1), (client + 1, server + 1), (server + 1, 0),
                                   (0, client + 1), (client + 1, server + 1)])
        self.assertEqual([p.time for p in script.packets][:3], [0, 1_000_000, 2_000_000])

    def test_flows_and_lets(self) -> None:
        script = script_of("flow b cport=9 isn=5", "let X = b.C+2", "+0 b> S", "+0 > S seq=X", "+0 > S seq=b.C")
        bodies = [p.body for p in script.packets]
        self.assertEqual([b.seq for b in bodies if isinstance(b, Segment)], [5, 7, 5])
        self.assertEqual([b.flow.cport for b in bodies if isinstance(b, Segment)], [9, 40000, 40000])

    def test_repeat_and_copy(self) -> None:
        script = script_of("+0 > S", "+1 > S repeat=3", "+0.001 copy", "+0.001 copy 2 ttl=9")
        self.assertEqual([p.time // 1_000_000 for p in script.packets], [0, 1000, 2000, 3000, 3001, 3002])
        idents = [p.wire.ident for p in script.packets]
        self.assertEqual(len(set(idents[:4])), 4)
        self.assertEqual(idents[3:], [idents[3]] * 3)
        self.assertEqual(script.packets[-1].wire.ttl, 9)

    def test_start_of_a_record_is_its_flows_first_syn(self) -> None:
        script = parse_text("t", "# t\nflow b\n+1 > S\n+1 b> S\n+1 > S\n"
                            "expect b pending syn_sent elapsed=1 history=S\n"
                            "expect pending syn_sent elapsed=1 history=S start=@3\n")
        self.assertEqual([e.start for e in script.expected], [2_000_000_000, 3_000_000_000])

    def test_mistakes_name_file_line_and_what(self) -> None:
        mistakes = {
            "+0 > S": "1: a script begins with a comment",
            "# t\nhallo": "2: 'hallo' begins no statement",
            "# t\n+0 > X": "2: 'X' are no TCP flags",
            "# t\n+0 x> S": "2: 'x>' is no packet",
            "# t\n+0 > S sq=1": "2: 'sq' is not known here",
            "# t\n+0 > S len=a": "2: 'a' is no value for len",
            "# t\n+0 > S len=1 len=2": "2: 'len' is given twice",
            "# t\n+0 > S seq=D": "2: 'D' names no number",
            "# t\n+x > S": "2: 'x' is no time",
            "# t\n+0.0000001 > S": "2: a time below a microsecond needs `only ns`",
            "# t\n+0 > S frag=last": "2: 'last' is no value for frag",
            "# t\n+0 copy": "2: copy needs a packet before it",
            "# t\nonly v5": "2: 'v5' names no family",
            "# t\nflow pending": "2: flow needs a name of its own",
            "# t\nflow b\nflow b": "3: flow b exists already",
            "# t\n+0 ! 3/1": "2: '3/1' is no ICMP type and code",
            "# t\n+0 ! 3/10|-": "2: an ICMP error without counterpart needs `only v4`",
            "# t\n+0 > S\nexpect timeout no_reply elapsed=1 history=S": "3: timeout needs last",
            "# t\n+0 > S\nexpect success": "3: success needs a cause",
            "# t\n+0 > S\nexpect summary nothing": "3: expect summary is written",
            "# t\n+0 > S": "2: the script expects nothing",
            "# t\nexpect none": "2: the script has no packet",
            "# t\n+0 > S ext=hop\nexpect none": "3: ext= and frag=atomic need `only v6`",
            "# t\n+0 > S iface=e\nexpect none": "3: iface= needs `only pcapng`",
        }
        for text, what in mistakes.items():
            with self.subTest(text=text), self.assertRaises(ScriptError) as raised:
                parse_text("dir/t.script", text)
            self.assertTrue(str(raised.exception).startswith(f"dir/t.script:{what}"), str(raised.exception))


class Bytes(unittest.TestCase):
    def test_checksum_of_rfc_1071(self) -> None:
        self.assertEqual(folded_sum(bytes.fromhex("0001f203f4f5f6f7")), 0xDDF2)
        self.assertEqual(internet_checksum(b"\xff"), 0x00FF)

    def test_ipv4_syn(self) -> None:
        packet = script_of("+0 > S seq=0x01020304 id=7").packets[0]
        self.assertEqual(encode(packet, 4).ip.hex(), (
            "4510003400074000" "40064e5b" "c000020a" "c6336414"  # IPv4: 52 bytes, id 7, don't fragment
            "9c400050" "01020304" "00000000" "8002faf0" "e7370000"  # TCP: ports 40000 and 80, header of 32 bytes
            "020405b4" "01030307" "01010402"))  # MSS 1460, window scale 7, SACK permitted

    def test_ipv6_ack_with_hop_by_hop(self) -> None:
        packet = script_of("only v6", "+0 < A ext=hop seq=1 ack=2 len=1").packets[0]
        data = encode(packet, 6).ip
        self.assertEqual(data[:8].hex(), "6106beef" "001d" "00" "40")
        self.assertEqual(data[40:48].hex(), "0600010400000000")
        self.assertEqual(data[48:62].hex(), "00509c4000000001000000025010")

    def test_fragments(self) -> None:
        script = script_of("+0 > A len=100 frag=first", "+0 > A frag=later", "+0 > A frag=tiny")
        first, later, tiny = (encode(p, 4).ip for p in script.packets)
        self.assertEqual((first[6:8].hex(), len(first)), ("2000", 44))
        self.assertEqual((later[6:8].hex(), len(later)), ("00b9", 40))
        self.assertEqual((tiny[6:8].hex(), len(tiny)), ("2000", 28))
        self.assertEqual(encode(script.packets[0], 6).ip[40:48].hex(), "0600000100000001")

    def test_icmp_quotes(self) -> None:
        script = script_of("+0 ! 3/1|1/3 tcp=8 seq=0x0a0b0c0d")
        four, six = encode(script.packets[0], 4), encode(script.packets[0], 6)
        self.assertEqual((len(four.ip), four.ip[20:22].hex(), four.ip[-8:].hex()),
                         (56, "0301", "9c4000500a0b0c0d"))
        self.assertEqual((len(six.ip), six.ip[40:42].hex(), six.ip[-4:].hex()), (96, "0103", "0a0b0c0d"))
        self.assertEqual((four.needed, six.needed), (56, 96))
        self.assertEqual(internet_checksum(four.ip[20:]), 0)

    def test_checksums(self) -> None:
        script = script_of("+0 > S", "+0 > S sum=bad-tcp", "+0 > S sum=bad-ip", "+0 > S sum=offload")
        pseudo = bytes.fromhex("c000020ac6336414") + b"\0\6\0\x20"
        whole = [encode(p, 4).ip for p in script.packets]
        self.assertEqual([internet_checksum(d[:20]) == 0 for d in whole], [True, True, False, True])
        self.assertEqual([internet_checksum(pseudo + d[20:]) == 0 for d in whole], [True, False, True, False])
        self.assertEqual(int.from_bytes(whole[3][36:38], "big"), folded_sum(pseudo))

    def test_link_headers(self) -> None:
        known = {
            "eth": "020000000014" "02000000000a" "0800", "raw": "", "null": "02000000", "loop": "00000002",
            "vlan": "020000000014" "02000000000a" "8100600a" "0800",
            "qinq": "020000000014" "02000000000a" "88a8600a" "81006014" "0800",
            "sll": "0004" "0001" "0006" "02000000000a0000" "0800",
            "sll2": "0800" "0000" "00000002" "0001" "04" "06" "02000000000a0000",
        }
        for name, wanted in known.items():
            link = links.BY_NAME[name]
            header = link.header(links.Inside(4, b"", True, link.vlans, True))
            self.assertEqual(header.hex(), wanted, name)

    def test_pcap(self) -> None:
        data = write_pcap([Frame(1_500_000_000, b"abcd", 3, "")], 101, False, 96, ">")
        self.assertEqual(data.hex(), "a1b2c3d4" "00020004" "00000000" "00000000" "00000060" "00000065"
                         "00000001" "0007a120" "00000003" "00000004" "616263")
        self.assertEqual(write_pcap([], 101, True, 96, "<")[:4].hex(), "4d3cb2a1")

    def test_pcapng(self) -> None:
        data = write_pcapng([Frame(5 << 32, b"abcde", 5, "x")], 1, True, 0, "<")
        self.assertEqual(data[28:60].hex(), "01000000" "28000000" "01000000" "00000000" "02000100" "78000000"
                         "09000100" "09000000")
        self.assertEqual(data[68:].hex(), "06000000" "28000000" "00000000" "05000000" "00000000"
                         "05000000" "05000000" "6162636465000000" "28000000")


class Expanding(unittest.TestCase):
    def test_cuts_keep_what_is_needed(self) -> None:
        expansion = check.new_expansion(script_of("+0 > S"))
        cuts = {link: [name for name, _ in expansion.cuts(4, links.BY_NAME[link])] for link in ("eth", "qinq", "raw")}
        # 14, 22 and 0 bytes of link header, 20 of IP, 20 that are needed and 12 of options
        self.assertEqual(cuts, {"eth": ["full", "cut54", "cut58", "enough"], "qinq": ["full", "enough"],
                                "raw": ["full", "enough"]})

    def test_names_are_found_again(self) -> None:
        expansion = check.new_expansion(script_of("+0 > S"))
        for level in ("quick", "full", "product"):
            variants = unique(expansion.variants(level))
            self.assertEqual([expansion.by_name(v.name) for v in variants], variants)
            self.assertEqual({v.family for v in variants}, {4, 6})
            self.assertLess(17, len(variants))

    def test_only(self) -> None:
        expansion = check.new_expansion(script_of("only v4 eth raw ns pcapng full", "+0 > S"))
        names = {v.name for v in expansion.variants("product")}
        self.assertEqual(names, {f"v4-{link}-ns-{written}-full" for link in ("eth", "raw")
                                 for written in ("pcapng", "pcapngbe")})

    def test_captures_hold_what_the_cut_says(self) -> None:
        expansion = check.new_expansion(script_of("+0 > S", "+0 > A len=10 captured=13"))
        variant = expansion.by_name("v4-eth-us-pcap-cut54")
        assert variant is not None
        data = expansion.capture(variant)
        self.assertEqual(int.from_bytes(data[32:36], "little"), 54)
        self.assertEqual(int.from_bytes(data[36:40], "little"), 66)
        self.assertEqual(int.from_bytes(data[24 + 16 + 54 + 8 : 24 + 16 + 54 + 12], "little"), 14 + 20 + 13)


SUMMARY = """listening nowhere
========== TCPEEK SUMMARY ==========
     from : 2012-07-02 16:48:33
------------------------------------
 WEB
   Success: 1 session
     SYN Segment Duplicate :      0
   Unjudged: 3 session
------------------------------------
 capture
   Sessions pending      :          0
====================================
"""


class Comparing(unittest.TestCase):
    def test_summary_is_read(self) -> None:
        blocks = summary.read(SUMMARY)
        self.assertEqual(blocks["WEB"], {"Success": "1 session", "SYN Segment Duplicate": "0",
                                         "Unjudged": "3 session"})
        self.assertEqual(blocks["capture"], {"Sessions pending": "0"})
        self.assertEqual(summary.read("nothing"), {})

    def test_records_must_be_equal_in_every_key(self) -> None:
        wanted = [{"start": "x", "result": "success"}]
        line = json.dumps(wanted[0])
        self.assertEqual(check.compare_records(line + "\n", wanted), [])
        for wrong in ("", line + "\n" + line, '{"result":"success","start":"x"}', '{"start":"x"}', "{",
                      '{"start":"x","result":"success","more":1}', '{"start":"x","result":"timeout"}'):
            self.assertNotEqual(check.compare_records(wrong, wanted), [], wrong)

    def test_expected_record(self) -> None:
        script = parse_text("t", SYN_ONLY)
        expansion = check.new_expansion(script)
        variant = expansion.by_name("v6-qinq-ns-pcapng-full")
        assert variant is not None
        self.assertEqual(check.expected_objects(script, variant), [{
            "start": "2023-11-14T22:13:20.250000000Z", "src": "2001:db8:1::10", "sport": 40000,
            "dst": "2001:db8:2::20", "dport": 80, "result": "pending", "cause": "syn_sent", "elapsed_ns": 0,
            "dup_syn": 0, "dup_synack": 0, "history": "S", "filters": ["ALL"], "interface": "eth0",
            "vlan": [10, 20]}])

    def test_a_program_that_says_nothing_fails(self) -> None:
        script = parse_text("t", SYN_ONLY)
        expansion = check.new_expansion(script)
        variant = next(expansion.variants("quick"))
        with tempfile.TemporaryDirectory() as folder:
            for program in ("/bin/true", "/bin/false"):
                self.assertTrue(check.run_variant(script, expansion, variant, program, Path(folder) / "c"))

    def test_timestamps_carry_over(self) -> None:
        self.assertEqual(timestamp(750_000_001), "2023-11-14T22:13:21.000000001Z")
        self.assertEqual(timestamp(-250_000_001), "2023-11-14T22:13:19.999999999Z")

    def test_flags(self) -> None:
        body = script_of("+0 < SAEWN").packets[0].body
        assert isinstance(body, Segment)
        self.assertEqual(body.flags, SYN | ACK | 0x1C0)


if __name__ == "__main__":
    unittest.main()
