"""Keys that S3 accepts, but a file system, Hadoop, DuckDB or XML does not, or not unchanged."""

KEYS = (
    *("../escape", "a/../../escape", ".", "..", "./x", "a/./b", "a/..", "...", "a/.../b"),
    *("/lead", "//lead", "a//b", "a/b//c", "trail/x/", "a//", "~", "-rf"),
    *("x", "x/y", "x/y/z", "x/", "good/part=1", "good/part=1/", "UPPER", "upper", "UPPER/a", "upper/a"),
    *("nul\0byte", "a/\0", "control\x01\x02", "tab\tkey", "new\nline", "return\rkey", "delete\x7f", "bell\x07"),
    *("n" * 251, "n" * 255, "é" * 200, "d/" + "m" * 1000, "/".join(["s" * 99] * 10) + "/" + "t" * 24, "k" * 1024),
    *("%2F", "a%2Fb", "%", "%zz", "a+b", "a b", " ", "trailing ", "q?x=1", "h#fragment", "[1].csv", "star*.csv", "a:b"),
    *(
        "caf\u00e9",
        "cafe\u0301",
        "日本語/ファイル",
        "😀",
        "\u2028separator",
        "\ufffd",
        "back\\slash",
        "'quote'",
        '"double"',
    ),
    *(".meta.json", "x.meta.json", "a.tmp", ".crc", ".a.crc", "b.crc", ".c.partial", ".partial/1", "_SUCCESS"),
    *("_temporary", "_temporary/0/x", ".key-x", ".key-x+/.key-y", ".ministack-keys", ".ministack-keys/x", "<xml>&amp;"),
)
