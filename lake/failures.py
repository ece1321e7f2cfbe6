"""Turns an error into one sentence for the user, without the wording of libraries. The traceback goes to a file."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import traceback
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from lake.errors import LakeError

DEBUG = "LAKE_DEBUG"
"""The environment variable that shows the traceback of an unexpected error."""
LOG = "errors.log"
_LOGIN = "Log in (`aws sso login`, AWS_PROFILE, ...) or choose another environment with LAKE_ENV"
_OF_LOGIN = {
    "NoCredentialsError": "there are no AWS credentials",
    "PartialCredentialsError": "the AWS credentials are incomplete",
    "CredentialRetrievalError": "the AWS credentials could not be fetched",
    "SSOTokenLoadError": "there is no SSO login",
    "UnauthorizedSSOTokenError": "the SSO login has expired",
    "TokenRetrievalError": "the SSO login has expired",
    "LoginRefreshRequired": "the login has expired",
    "ProfileNotFound": "the profile that AWS_PROFILE names is not in the AWS configuration",
    "ConfigParseError": "the AWS configuration file cannot be read",
    "InvalidConfigError": "the AWS configuration has an invalid setting",
}
_OF_THE_WAY = {
    "ResponseStreamingError": "the connection was closed during an answer. Run the command again",
    "IncompleteReadError": "the connection was closed during an answer. Run the command again",
    "ProxyConnectionError": "the proxy cannot be reached. Check HTTPS_PROXY",
    "SSLError": "the certificate is not trusted. Check AWS_CA_BUNDLE and the proxy",
}
_GONE = {
    "EndpointConnectionError": "no longer answers",
    "ConnectTimeoutError": "no longer answers",
    "ConnectionClosedError": "no longer answers",
    "ReadTimeoutError": "did not answer",
}
_KEY = "`aws kms cancel-key-deletion` and `aws kms enable-key` bring the lake's key back, with all that it encrypts"
_AGAIN = "Run the command again"
_WAYS_OUT = {
    "AccessDenied": "Ask for that permission, or choose another login with AWS_PROFILE",
    "AccessDeniedException": "Ask for that permission, or choose another login with AWS_PROFILE",
    "UnauthorizedOperation": "Ask for that permission, or choose another login with AWS_PROFILE",
    "403": "Ask for that permission, or choose another login with AWS_PROFILE",
    **dict.fromkeys(("KMS.KMSInvalidStateException", "KMSInvalidStateException"), _KEY),
    **dict.fromkeys(("KMS.DisabledException", "DisabledException"), _KEY),
    "400": f"S3 gives no more of a reason to such a call: most often, the login has expired. {_LOGIN}",
    "500": _AGAIN,
    "503": _AGAIN,
    "ExpiredToken": _LOGIN,
    "ExpiredTokenException": _LOGIN,
    "InvalidClientTokenId": _LOGIN,
    "UnrecognizedClientException": _LOGIN,
    "SignatureDoesNotMatch": _LOGIN,
    "Throttling": _AGAIN,
    "ThrottlingException": _AGAIN,
    "InternalFailure": _AGAIN,
    "RequestTimeout": _AGAIN,
    "SlowDown": _AGAIN,
    "ServiceUnavailable": _AGAIN,
    "InternalError": _AGAIN,
}


def is_known(code: str) -> bool:
    """Whether there is a way out of what AWS means by this code."""
    return code in _WAYS_OUT


def passes(code: str) -> bool:
    """Whether AWS may answer the same call otherwise a moment later."""
    return _WAYS_OUT.get(code) == _AGAIN


def sentence(error: BaseException) -> str:
    """An error as one sentence with its fix. For an unexpected error, it names the file with the traceback."""
    if isinstance(error, LakeError):
        return str(error)
    if reason := lost(error):
        return reason
    if type(error).__module__.partition(".")[0] in ("botocore", "boto3", "s3transfer"):
        return _of_aws(error)
    if isinstance(error, ConnectionError | TimeoutError) or type(error).__name__ == "URLError":
        return "the embedded AWS does not answer. See `lake local status`, and start it with `lake local start`"
    if isinstance(error, OSError) and error.strerror:
        return of_file(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory. Close other programs, or use fewer files at once"
    return _unexpected(error)


def lost(error: BaseException | None) -> str | None:
    """The message if AWS stopped answering during a command; None if `error` is of another kind."""
    while error is not None:
        if what := _GONE.get(type(error).__name__):
            place = urlsplit(_endpoint(error))
            fix = "Check the network; `lake check --account` says which services the region lacks"
            if place.hostname in ("127.0.0.1", "localhost"):
                fix = "See `lake local status` and `lake local logs`; `lake local start` starts it"
            server = f"{place.scheme}://{place.netloc}"
            return f"{server} {what}, during this command. {fix}. Then run it again"
        error = error.__cause__ or error.__context__
    return None


def of_file(error: OSError) -> str:
    """`reports/a.csv: permission denied`"""
    if isinstance(error, FileNotFoundError) and error.filename == "terraform":
        return "terraform is not installed. Install it with `make setup`"
    what = error.filename if isinstance(error.filename, str) else "a file"
    reason = f"{what}: {(error.strerror or 'cannot be used').lower()}"
    if isinstance(error, PermissionError):
        return f"{reason}. Check its owner and mode"
    return f"{reason}. Make room and run the command again" if "space" in reason or "quota" in reason else reason


def _of_aws(error: BaseException) -> str:
    name, response = type(error).__name__, getattr(error, "response", getattr(error, "last_response", None))
    if isinstance(response, dict):
        return _answer(error, response.get("Error", {}))
    if name == "S3UploadFailedError" and error.__context__ is not None:
        return sentence(error.__context__)
    if name in _OF_LOGIN:
        return f"{_OF_LOGIN[name]}. {_LOGIN}"
    if name == "ParamValidationError":
        fields = ", ".join(dict.fromkeys(re.findall(r"parameter (?:in input: \")?([\w.\[\]]+)", str(error))))
        return f"AWS does not accept this value for {fields or 'a parameter'}. See the allowed values with --help"
    if name in _OF_THE_WAY:
        return f"{_endpoint(error)}: {_OF_THE_WAY[name]}"
    return f"the call to AWS failed. See {_logged(error)}"


def _answer(error: BaseException, answer: dict[str, str]) -> str:
    code, message = answer.get("Code", "unknown"), " ".join(answer.get("Message", "no reason given").split())
    operation = getattr(error, "operation_name", "")
    reason = f"AWS says: {code}: {message.rstrip('.')}{f' ({operation})' if operation else ''}"
    return f"{reason}. {_WAYS_OUT[code]}" if code in _WAYS_OUT else reason


def _endpoint(error: BaseException) -> str:
    return str(getattr(error, "kwargs", {}).get("endpoint_url") or "AWS")


def _unexpected(error: BaseException) -> str:
    if os.environ.get(DEBUG):
        traceback.print_exception(error, file=sys.stderr)
    return (
        f"the lake command stopped because of an unexpected error. Please report it with {_logged(error)} "
        f"({DEBUG}=1 shows it)"
    )


def _logged(error: BaseException) -> Path:
    """Write the traceback to a file in the lake's .local folder, or else the temporary folder. Returns its path."""
    lake = Path(os.environ.get("LAKE_FILE") or "lake.yaml").absolute().parent
    for folder in (lake / ".local", Path(tempfile.gettempdir()) / f"lake-{os.getuid()}"):
        try:
            if folder.name != ".local":
                folder.mkdir(mode=0o700, exist_ok=True)
            with (folder / LOG).open("a") as log:
                log.write(json.dumps({"at": datetime.now().astimezone().isoformat(), "command": sys.argv[1:]}) + "\n")
                traceback.print_exception(error, file=log)
            return folder / LOG
        except OSError:
            continue
    return Path(os.devnull)
