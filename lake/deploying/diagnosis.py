"""What Terraform says of a failure, in one sentence with the way out, where the failure is a known one."""

from __future__ import annotations

import re

_LOGIN = "Log in (`aws sso login`, AWS_PROFILE, ...) and run the same command again: it goes on from here"
_KNOWN = (
    (
        r"Kinesis Analytics v2 Application \((?:\S*/)?(?P<application>[\w-]+)\) operation .*?'FAILED'.*?last error: "
        r"(?P<why>.*)",
        "the application{ application} was updated, and did not start again: {why}. It is stopped, and its savepoint "
        "is kept. `lake stream start STREAM` says whether its windows have changed since; `--fresh` starts it without "
        "that state",
    ),
    (
        r"(?:S3 Bucket \((?P<bucket>[a-z0-9.-]+)\).*?)?(BucketAlreadyExists\b|bucket name is not available)",
        "the bucket's name{ bucket} is taken by another account: names of buckets are unique in all of AWS. Choose "
        "another project, or another name of the environment, in lake.yaml",
    ),
    (
        r"not authorized to perform: (?P<action>[\w:-]+).*?(permissions boundary)",
        "the permissions boundary of this login denies{ action}. Ask whoever set it for that right, or choose another "
        "login with AWS_PROFILE",
    ),
    (
        r"not authorized to perform: (?P<action>[\w:-]+)",
        "this login may not do{ action}. Ask for that right, or choose another login with AWS_PROFILE",
    ),
    (r"\b(AccessDenied|UnauthorizedOperation)\w*", "this login lacks a right: {reason}. Ask for it, or choose another "
     "login with AWS_PROFILE"),
    (
        r"KMS\w*(?:State|Disabled)\w*(?:.*?key/(?P<key>[0-9a-f-]{36}))?.*?(?:pending deletion|is disabled)",
        "the KMS key{ key} is disabled or waits for its deletion. `aws kms cancel-key-deletion --key-id KEY` and `aws "
        "kms enable-key --key-id KEY` bring it back, with all that it encrypts; then run this again",
    ),
    (
        r"state file uses format version .*?by Terraform (?P<older>[\d.]+)\. .*?created by Terraform (?P<newer>[\d.]+)",
        "the state was written by Terraform{ newer}, and this is{ older}. Install that version, or a newer one; "
        "nothing was changed",
    ),
    (
        r"created by a newer provider version",
        "the state was written with a newer AWS provider than this project's. Deploy with the version of the project "
        "that wrote it, or a newer one; nothing was changed",
    ),
    (
        r"\b(ExpiredToken|RequestExpired|token (included in the request )?(has|is) expired)",
        f"the login has expired. {_LOGIN}",
    ),
    (
        r"HeadBucket.*?api error BadRequest: Bad Request",
        f"S3 refuses this login and gives no more of a reason: most often, it has expired. {_LOGIN}",
    ),
    (
        r"(No valid credential sources found|no EC2 IMDS role found|failed to refresh cached credentials)",
        f"there are no AWS credentials. {_LOGIN}",
    ),
    (
        r"dial tcp: lookup (?P<host>[\w.-]+amazonaws\.com\S*).*?no such host",
        "{host} has no address: the network is away, or AWS has no such service in this region. Check the network, or "
        "choose another region in lake.yaml",
    ),
    (
        r"(no space left on device|disk quota exceeded)",
        "the disk is full. Make room and run the same command again: it goes on from here",
    ),
    (
        r"\b(ThrottlingException|Throttling|TooManyRequests|SlowDown|RequestLimitExceeded|Rate exceeded)",
        "AWS was asked too often, and said so each time it was asked again. Run the same command again: it goes on "
        "from here",
    ),
)  # fmt: skip


def in_words(problem: str) -> str:
    """The sentence for a failure that is known; empty for any other.

    >>> in_words("Failed to save state: no space left on device")
    'the disk is full. Make room and run the same command again: it goes on from here'
    """
    text = " ".join(problem.split())
    for pattern, sentence in _KNOWN:
        if found := re.search(pattern, text, re.IGNORECASE):
            return _filled(sentence, found.groupdict(), text)
    return ""


def _filled(sentence: str, named: dict[str, str | None], text: str) -> str:
    """`{ name}` is a found name after a space, or nothing."""
    for name, value in {**named, "reason": text}.items():
        given = (value or "").rstrip(".,:")
        sentence = sentence.replace(f"{{ {name}}}", f" {given}" if given else "").replace(f"{{{name}}}", given)
    return sentence
