"""Secrets, in the forms that addresses and exceptions give them, are in nothing that is printed or written."""

import base64
import io
import json
import os
import re
import sys
import time
import traceback
from urllib.parse import quote

import pytest
from checkout import Checkout, few_stages
from fire import under_fire

from reglab.core.errors import UserError
from reglab.core.redaction import has_secret, redact, redact_output
from reglab.tracking.mirror.store import open_store

# The addresses that people give MLflow, each with its secret; nothing listens there.
PLANTED = {
    "http://user:plain0secret@127.0.0.1:9": "plain0secret",
    "https://user:secure1secret@127.0.0.1:9/base": "secure1secret",
    "http://user:at2@secret2@127.0.0.1:9": "secret2",
    "http://user:slash3/secret3@127.0.0.1:9": "secret3",
    "http://user:hash4#secret4@127.0.0.1:9": "secret4",
    "http://user:mark5?secret5@127.0.0.1:9": "secret5",
    "http://user:percent6%2Fsecret6@127.0.0.1:9": "secret6",
    "http://user:space7 secret7@127.0.0.1:9": "secret7",
    "http://user:quote8'secret8@127.0.0.1:9": "secret8",
    'http://user:quotes9"secret9@127.0.0.1:9': "secret9",
    "http://user:größe10secret@127.0.0.1:9": "10secret",
    "http://:nameless11secret@127.0.0.1:9": "nameless11secret",
    "http://token12secret@127.0.0.1:9": "token12secret",
    "http://127.0.0.1:9/?token=query13secret": "query13secret",
    "http://127.0.0.1:9/?other=odd14secret": "odd14secret",
    "http://127.0.0.1:9/#fragment15secret": "fragment15secret",
    "postgresql://user:post16secret@127.0.0.1:9/mlflow": "post16secret",
    "postgresql+pg8000://user:driver17secret@127.0.0.1:9/mlflow": "driver17secret",
    "mysql://user:my18secret@127.0.0.1:9/mlflow?charset=utf8": "my18secret",
    "mysql+pymysql://127.0.0.1:9/mlflow?user=me&password=named19secret": "named19secret",
    "mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BUID%3Dme%3BPWD%3Dodbc20secret": "odbc20secret",
    "nothing://user:scheme21secret@127.0.0.1:9": "scheme21secret",
    "user:without22secret@127.0.0.1:9": "without22secret",
    "http://user:port23secret@127.0.0.1:notaport": "port23secret",
    "http://user:bracket24secret@[127.0.0.1:9": "bracket24secret",
}
VARIABLES = {
    "MLFLOW_TRACKING_USERNAME": "somebody",
    "MLFLOW_TRACKING_PASSWORD": "variable30secret",
    "MLFLOW_TRACKING_TOKEN": "variable31secret",
    "AWS_SECRET_ACCESS_KEY": "variable32/secret+",
    "AZURE_STORAGE_CONNECTION_STRING": "AccountName=me;AccountKey=variable33secret==",
    "HTTPS_PROXY": "http://me:variable34secret@127.0.0.1:9",
    "DVC_STUDIO_TOKEN": "variable35secret",
}


def leaks(text: str | bytes, secret: str) -> bool:
    """Whether the secret is there, as it is, percent-encoded, escaped or in base64."""
    content = text if isinstance(text, bytes) else text.encode()
    forms = {secret, quote(secret, safe=""), quote(quote(secret, safe=""), safe=""), json.dumps(secret)[1:-1]}
    return (
        any(form.encode() in content for form in forms) or base64.b64encode(secret.encode()).strip(b"=")[:-1] in content
    )


@pytest.fixture(autouse=True)
def quick_failures(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for name in ("MLFLOW_TRACKING_URI", *VARIABLES):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("address", PLANTED)
def test_what_a_failing_tracking_server_says_holds_no_secret(address, tmp_path, monkeypatch):
    secret = PLANTED[address]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    try:
        open_store(None, "reglab", tmp_path)
    except Exception as error:
        lines = traceback.format_exception(error)
        assert not isinstance(error, UserError) or not leaks(str(error), secret), error
        assert not leaks(redact("".join(lines)), secret), "a traceback on the terminal"
        assert not any(leaks(redact(line), secret) for line in lines)
    assert not leaks(redact(f"{address} {quote(address)} {quote(address, safe='')} {address!r}"), secret)


ONLY_BY_VARIABLE = re.compile(r"[ '\"]|odd14|fragment15|^user")  # no text says that there is a secret in these


@pytest.mark.parametrize("address", [address for address in PLANTED if not ONLY_BY_VARIABLE.search(address)])
def test_an_address_that_is_in_no_variable_is_redacted_too(address):
    assert not leaks(redact(f"refused: {address}, {quote(address, safe='')}"), PLANTED[address])


def test_the_secrets_of_the_environment_are_redacted_wherever_they_stand(monkeypatch):
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    secrets = [value.rpartition("AccountKey=")[2] for value in VARIABLES.values() if "secret" in value]
    basic = base64.b64encode(b"somebody:variable30secret").decode()
    for secret in [*secrets, basic, "variable34secret"]:
        for text in (f"({secret})", f"x{secret}x", quote(secret, safe=""), json.dumps({"a": secret}), repr([secret])):
            assert not leaks(redact(text), secret), text
    assert "somebody" in redact("somebody")


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:////home/me@work/lab/mlflow.db",
        "http://127.0.0.1:5000/#/experiments/1/runs",
        "train@dropout: http://localhost:5000 refused",
        "forward_passes=3, tokens: 5, key=value, mean ± 0.5",
        "see https://arxiv.org/abs/1706.03762, table 2",
        "basic authentication is missing",
    ],
)
def test_a_text_without_secrets_stays_as_it_is(text):
    assert redact(text) == text


def test_a_short_password_takes_no_letters_out_of_other_words(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "test")
    assert redact("test_accuracy of 'test' in latest") == "test_accuracy of '***' in latest"


def test_the_address_is_still_recognised():
    assert redact("postgresql://me:s@db.org:5432/x?password=y&a=b") == "postgresql://***@db.org:5432/x?password=***&a=b"


@pytest.mark.parametrize(
    ("address", "secret"),
    [
        ("http://localhost:5000", False),
        ("sqlite:///mlflow.db", False),
        ("sqlite:////home/me@work/mlflow.db", False),
        ("postgresql://mlflow@db/mlflow", False),
        ("postgresql://mlflow:x@db/mlflow", True),
        ("https://abc@host", True),
        ("http://host?access_token=x", True),
        ("me:x@host", True),
    ],
)
def test_an_address_with_a_password_or_a_token_is_known(address, secret):
    assert has_secret(address) is secret


def test_a_stream_redacts_and_escapes_what_it_cannot_show(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "variable31secret")
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    redact_output()
    redact_output()
    print("σ² of variable31secret")
    sys.stdout.writelines(["http://u:p@h\n"])
    assert raw.getvalue() == b"\\u03c3\\xb2 of ***\nhttp://***@h\n"


LOOP = """
import os, sys
from reglab import cli
sys.argv = ["reglab", "sync"]
for address in {addresses!r}:
    os.environ["MLFLOW_TRACKING_URI"] = address
    try:
        cli.main()
    except SystemExit as end:
        print("ended with", end.code)
    except Exception:
        import traceback
        traceback.print_exc()
"""


@under_fire
def test_no_secret_is_in_anything_that_a_study_with_a_failing_server_prints_or_writes(tmp_path, monkeypatch):
    """`reglab repro` of a small study, then `reglab sync` at every address; each file below the checkout is searched."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    first = next(iter(PLANTED))
    plain = {"MLFLOW_TRACKING_URI": first, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"} | VARIABLES
    checkout = Checkout(tmp_path / "study", plain)
    checkout.edit(few_stages)
    code, printed = checkout.run("reglab", "repro")
    assert code == 0 and "The results are complete without it" in printed, printed
    code, more = checkout.run(sys.executable, "-c", LOOP.format(addresses=list(PLANTED)))
    printed += more
    assert code == 0 and more.count("ended with") == len(PLANTED), more
    checkout.edit(lambda all: all["tracking"].update(uri=first))
    code, refused = checkout.run("reglab", "check")
    assert code == 2 and "tracking.uri" in refused, refused
    checkout.git("checkout", "params.yaml")
    files = [path for path in checkout.folder.rglob("*") if path.is_file()]
    contents = {path: path.read_bytes() for path in files}
    assert b"cannot be used" in contents[checkout.folder / ".reglab" / "mirror.log"]
    for secret in {*PLANTED.values(), *(f"variable{number}" for number in range(30, 36))}:
        assert not leaks(printed + refused, secret), secret
        result = [path for path, content in contents.items() if leaks(content, secret)]
        assert not result, f"{secret} in {result}"


@pytest.mark.parametrize("variable", ["A_TOKEN", "A_DATABASE_URL"])
def test_a_secret_that_is_not_utf_8_is_hidden_and_stops_no_printing(variable, monkeypatch):
    value = os.fsdecode(b"m\xfcller12secret")
    monkeypatch.setenv(variable, value if variable == "A_TOKEN" else f"postgresql://user:{value}@host/runs")
    assert redact("Epoch 1") == "Epoch 1"
    assert redact(f"found {value}, that is m%FCller12secret") == "found ***, that is ***"


@pytest.mark.parametrize("text", ["a-", "1.0.", "://a", "pass-", "%3A%2F%2F", "password", "authorization"])
def test_a_long_text_without_spaces_takes_no_quadratic_time(text):
    started = time.process_time()
    redact(text * (100_000 // len(text)))
    assert time.process_time() - started < 2


def test_the_last_at_sign_of_an_address_ends_the_password_and_the_next_address_is_left():
    text = "see http://user:one@two@host/a and http://other/b, x@y; (sqlite:////a@b)"
    assert redact(text) == "see http://***@host/a and http://other/b, x@y; (sqlite:////a@b)"
    assert redact("http%3A%2F%2Fuser%3Aone%40host") == "http%3A%2F%2F***%40host"
