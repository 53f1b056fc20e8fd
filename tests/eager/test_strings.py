"""tf.strings: every function against Python's own strings, published hash values, and inside of tf.function."""

import warnings

import numpy as np
import pytest

import eager as tf
from eager.ops.farmhash import fingerprint64
from eager.ops.public import NAMES
from eager.ops.siphash import siphash24
from eager.ops.strings_hash_integers import crossed_bucket, integer_bucket_fast, integer_bucket_strong

strings = tf.strings
NESTED = [["ab", "c"], ["d e", ""]]

VALUES = {
    "lower ascii": (lambda: strings.lower(["ÀB", "x"]), ["Àb", "x"]),
    "lower utf-8": (lambda: strings.lower(["ÀB"], encoding="utf-8"), ["àb"]),
    "upper": (lambda: strings.upper(["àb"], encoding="utf-8"), ["ÀB"]),
    "strip": (lambda: strings.strip([" a b\t\n", "\u00a0x"]), ["a b", "\u00a0x"]),
    "length": (lambda: strings.length(["é", "ab"]), [2, 2]),
    "length of characters": (lambda: strings.length(["é", "ab"], unit="UTF8_CHAR"), [1, 2]),
    "substr": (lambda: strings.substr(["hello", "wo"], 1, 3), ["ell", "o"]),
    "substr from the end": (lambda: strings.substr("hello", -3, 2), "ll"),
    "substr to the end": (lambda: strings.substr("hello", 2, -1), "llo"),
    "substr broadcast": (lambda: strings.substr(["hello"], [0, 1], [1, 2]), ["h", "el"]),
    "substr of characters": (lambda: strings.substr(["héllo"], 1, 2, unit="UTF8_CHAR"), ["él"]),
    "regex_replace": (lambda: strings.regex_replace(["hello world"], "o(.)", r"<\1\0>"), ["hell< o >w<ror>ld"]),
    "regex_replace once": (lambda: strings.regex_replace(["aaa"], "a", "b", replace_global=False), ["baa"]),
    "regex_replace of nothing": (lambda: strings.regex_replace(["abc"], "", "-"), ["-a-b-c-"]),
    "regex_replace of classes": (lambda: strings.regex_replace(["ab1"], "[[:alpha:]]", "X"), ["XX1"]),
    "regex_full_match": (lambda: strings.regex_full_match(["abc", "xabc"], "a.c$"), [True, False]),
    "join": (lambda: strings.join(["a", ["b", "c"]], separator="-"), ["a-b", "a-c"]),
    "reduce_join": (lambda: strings.reduce_join(NESTED, separator="+"), "ab+c+d e+"),
    "reduce_join first axis": (lambda: strings.reduce_join(NESTED, axis=0), ["abd e", "c"]),
    "reduce_join kept": (lambda: strings.reduce_join(NESTED, axis=1, keepdims=True), [["abc"], ["d e"]]),
    "reduce_join in order": (lambda: strings.reduce_join(NESTED, axis=[0, 1], separator="/"), "ab/d e/c/"),
    "unsorted_segment_join": (lambda: strings.unsorted_segment_join(["a", "b", "c"], [0, 1, 0], 2, ":"), ["a:c", "b"]),
    "ngrams": (lambda: strings.ngrams(["a", "b", "c"], (1, 2)), ["a", "b", "c", "a b", "b c"]),
    "ngrams padded": (lambda: strings.ngrams(["a", "b"], 2, pad_values=("L", "R")), ["L a", "a b", "b R"]),
    "ngrams short": (lambda: strings.ngrams(["a"], 2, preserve_short_sequences=True), ["a"]),
    "split": (lambda: strings.split(["a b  c ", "d"]), [["a", "b", "c"], ["d", "", ""]]),
    "split at": (lambda: strings.split("a,b,,c", ","), ["a", "b", "", "c"]),
    "split twice": (lambda: strings.split("a b c d", maxsplit=2), ["a", "b", "c d"]),
    "bytes_split": (lambda: strings.bytes_split("abc"), ["a", "b", "c"]),
    "unicode_split": (lambda: strings.unicode_split(["aé", "b"], "UTF-8"), [["a", "é"], ["b", ""]]),
    "unicode_decode": (lambda: strings.unicode_decode(["aé", "b"], "UTF-8"), [[97, 233], [98, 0]]),
    "unicode_decode broken": (lambda: strings.unicode_decode(b"a\xff\xe2\x82b", "UTF-8"), [97, 65533, 65533, 98]),
    "unicode_decode ignoring": (lambda: strings.unicode_decode(b"a\xffb", "UTF-8", errors="ignore"), [97, 98]),
    "unicode_decode_with_offsets": (lambda: strings.unicode_decode_with_offsets("aéb", "UTF-8")[1], [0, 1, 3]),
    "unicode_split_with_offsets": (lambda: strings.unicode_split_with_offsets("aéb", "UTF-8")[1], [0, 1, 3]),
    "unicode_encode": (lambda: strings.unicode_encode([[97, 233], [98, 99]], "UTF-8"), ["aé", "bc"]),
    "unicode_encode broken": (lambda: strings.unicode_encode([97, 0xD800], "UTF-8", replacement_char=63), "a?"),
    "unicode_transcode": (lambda: strings.unicode_transcode(["aé"], "UTF-8", "UTF-16-BE"), [b"\0a\0\xe9"]),
    "to_number": (lambda: strings.to_number(["1.5", "-2e3", " 3 ", "0x10"]), [1.5, -2000.0, 3.0, 16.0]),
    "to_number int": (lambda: strings.to_number(["12", "-3"], tf.int64), [12, -3]),
    "as_string": (lambda: strings.as_string([1.5, 2.0]), ["1.500000", "2.000000"]),
    "as_string of integers": (lambda: tf.as_string([3, -4], width=5, fill="0"), ["00003", "-0004"]),
    "as_string of bools": (lambda: strings.as_string([True, False]), ["true", "false"]),
    "as_string shortest": (lambda: strings.as_string([3.5, 1e20], shortest=True), ["3.5", "1e+20"]),
    "as_string scientific": (lambda: strings.as_string([3.14159], precision=2, scientific=True), ["3.14e+00"]),
    "as_string of complex": (lambda: strings.as_string(tf.constant([1 + 2j]), precision=1), ["(1.0,2.0)"]),
    "format": (lambda: strings.format("x {} y {}", (tf.range(8), 2.5)), "x [0 1 2 ... 5 6 7] y 2.5"),
    "format of a matrix": (lambda: strings.format("{}", tf.constant([["a"]])), '[["a"]]'),
    "format of all": (lambda: strings.format("%", tf.reshape(tf.range(4), (2, 2)), "%", -1), "[[0 1]\n [2 3]]"),
    # The figures of TensorFlow's documentation.
    "to_hash_bucket_fast": (lambda: strings.to_hash_bucket_fast(["Hello", "TensorFlow", "2.x"], 3), [0, 2, 2]),
    "to_hash_bucket_strong": (lambda: strings.to_hash_bucket_strong(["Hello", "TF"], 3, [1, 2]), [2, 0]),
}  # fmt: skip


def as_bytes(value):
    if isinstance(value, list):
        return [as_bytes(v) for v in value]
    return value.encode() if isinstance(value, str) else value


@pytest.mark.parametrize("name", VALUES)
def test_value(name):
    call, expected = VALUES[name]
    found = call().numpy()
    assert (found.tolist() if isinstance(found, np.ndarray) else found) == as_bytes(expected)


def test_every_function_has_a_value():
    missing = [n for n in dir(strings) if not n.startswith("_") and callable(getattr(strings, n)) and n != "lazy_names"]
    assert not [n for n in missing if not any(v.split()[0] == n for v in VALUES)]
    assert {f"strings.{n}" for n in missing} <= set(NAMES)


FAULTS = {
    "no string": (lambda: strings.lower([1]), TypeError, "string"),
    "encoding": (lambda: strings.upper(["a"], encoding="latin"), ValueError, "latin"),
    "unit": (lambda: strings.length(["a"], unit="WORD"), ValueError, "WORD"),
    "position": (lambda: strings.substr(["hello"], 7, 2), ValueError, "pos 7"),
    "pattern": (lambda: strings.regex_replace(["a"], "(", ""), ValueError, "invalid pattern"),
    "class": (lambda: strings.regex_full_match(["a"], r"\pL"), NotImplementedError, "list the characters"),
    "shapes": (lambda: strings.join([["a", "b"], ["c", "d", "e"]]), ValueError, "differ"),
    "segment": (lambda: strings.unsorted_segment_join(["a"], [2], 2), ValueError, "0 ... 1"),
    "width": (lambda: strings.ngrams(["a"], 0), ValueError, "at least 1"),
    "number": (lambda: strings.to_number(["abc"]), ValueError, "b'abc'"),
    "range": (lambda: strings.to_number(["99999999999"], tf.int32), ValueError, "int32"),
    "precision": (lambda: strings.as_string([1], precision=2), ValueError, "precision"),
    "template": (lambda: strings.format("{} {}", 1), ValueError, "2 placeholders"),
    "strict": (lambda: strings.unicode_decode(b"\xff", "UTF-8", errors="strict"), ValueError, "no UTF-8 text"),
    "code": (lambda: strings.unicode_encode([0x110000], "UTF-8", errors="strict"), ValueError, "no code point"),
    "name of a code": (lambda: strings.unicode_transcode(["a"], "EBCDIC", "UTF-8"), ValueError, "EBCDIC"),
    "buckets": (lambda: strings.to_hash_bucket_fast(["a"], 0), ValueError, "at least 1"),
    "key": (lambda: strings.to_hash_bucket_strong(["a"], 3, [1]), ValueError, "2 elements"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault(name):
    call, error, words = FAULTS[name]
    with pytest.raises(error, match=words):
        call()


def test_siphash_of_its_paper():
    key = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
    assert siphash24(bytes(range(15)), key) == 0xA129CA6149BE45E5


def test_farmhash_of_every_length_differs_and_depends_on_each_byte():
    text = bytes(range(256))
    hashes = {fingerprint64(text[:n]) for n in range(257)}
    assert len(hashes) == 257 and fingerprint64(b"") == 0x9AE16A3B2F90404F
    for n in (3, 7, 16, 32, 64, 200):
        changed = {fingerprint64(text[:i] + b"\xff" + text[i + 1 : n]) for i in range(n)}
        assert len(changed) == n


INTEGERS = np.array(
    [0, -1, 9, 10, -10, 99, 100, -999, 1000, 12345678, -12345678, 10**15, -(10**16), 10**18, 2**63 - 1, -(2**63)]
)


def test_hashes_of_integers_are_those_of_their_text_and_native():
    x = tf.constant(INTEGERS)
    f = tf.function(lambda x: (integer_bucket_fast(x, 1009), integer_bucket_strong(x, 1009, (5, -7))))
    wanted = (
        strings.to_hash_bucket_fast(strings.as_string(x), 1009),
        strings.to_hash_bucket_strong(strings.as_string(x), 1009, (5, -7)),
    )
    for found in (f(x), (integer_bucket_fast(x, 1009), integer_bucket_strong(x, 1009, (5, -7)))):
        for got, want in zip(found, wanted, strict=True):
            assert got.numpy().tolist() == want.numpy().tolist()
    assert f.concrete_functions[0].function.compiled.host_calls == []


@pytest.mark.parametrize("dtype", [np.uint64, np.uint8, np.int8, np.int32])
def test_hashes_of_integers_of_other_dtypes(dtype):
    x = tf.constant(np.array([0, 1, 100, np.iinfo(dtype).max, np.iinfo(dtype).min], dtype))
    wanted = strings.to_hash_bucket_fast(strings.as_string(x), 1009)
    assert integer_bucket_fast(x, 1009).numpy().tolist() == wanted.numpy().tolist()


def test_crossed_buckets_of_the_documentation():
    # The example of tf.keras.layers.HashedCrossing.
    found = crossed_bucket([["A", "B", "A", "B", "A"], [101, 101, 101, 102, 102]], 5)
    assert found.numpy().tolist() == [1, 4, 1, 1, 3]


def test_traced_functions_call_back_and_keep_open_sizes():
    f = tf.function(lambda s: strings.length(strings.join([strings.lower(s), "!"])) * 2)
    assert f(tf.constant(["AB", "c"])).numpy().tolist() == [6, 4]
    assert f(tf.constant(["AB", "c", "defg"])).numpy().tolist() == [6, 4, 10]
    assert f(tf.constant(["a"] * 7)).numpy().tolist() == [4] * 7
    assert [e.kind for e in f.ledger] == ["trace", "generalise"]
    assert f.concrete_functions[-1].function.compiled.host_calls[:2] == ["strings.lower", "strings.join"]


def test_what_is_as_long_as_the_data_says_ends_the_trace_with_an_entry():
    f = tf.function(lambda s: strings.split(s))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert f(tf.constant(["a b", "c"])).numpy().tolist() == [[b"a", b"b"], [b"c", b""]]
        assert f(tf.constant(["a", "c"])).numpy().tolist() == [[b"a"], [b"c"]]
    assert "longest row" in f.ledger[0].what


def test_shape_functions_take_strings():
    x = tf.constant([["a", "b"], ["c", "d"]])
    assert tf.transpose(x).numpy().tolist() == [[b"a", b"c"], [b"b", b"d"]]
    assert tf.reshape(x, [-1])[1:3].numpy().tolist() == [b"b", b"c"]
    assert tf.gather(x, [1, 0]).numpy().tolist() == [[b"c", b"d"], [b"a", b"b"]]
    assert tf.where(x == "a", x, "z").numpy().tolist() == [[b"a", b"z"], [b"z", b"z"]]
    assert tf.concat([x, x], 0).shape == (4, 2) and tf.stack([x, x]).shape == (2, 2, 2)
    assert int(tf.size(x)) == 4 and tf.constant("abc").numpy() == b"abc"
