"""
Settings of the service, from the environment. `sourcewise serve` on the embedded ledger needs none.

>>> Settings(_env_file=None).port
8000
"""

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "SOURCEWISE_"
_TURNS_ON = "Secret that turns on, empty: off,"


class Settings(BaseSettings):
    """What can be set, each as SOURCEWISE_ and its name in capitals. There is no default secret."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    host: str = Field(
        "127.0.0.1", description="Address to listen on; any but a loopback one needs at least one API key."
    )
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    ledger: str = Field(
        "", description="sqlite:///file or postgresql://user@host/database; empty: the embedded default."
    )
    body_bytes_max: int = Field(1_048_576, ge=1_024, description="Largest body of a call about one thing.")
    bulk_bytes_max: int = Field(67_108_864, ge=1_024, description="Largest body of a bulk call or a stock feed.")
    bulk_orders_max: int = Field(10_000, ge=1, description="Most orders in one bulk call.")
    page_rows_max: int = Field(1_000, ge=1, description="Most entries of a page.")
    decide_ms: int = Field(
        300, ge=1, description="Time of one decision that needs the stronger method; then the best found."
    )
    quote_ms: int = Field(300, ge=1, description="Time of a quote; then the policy's backup is offered.")
    request_ms_max: int = Field(30_000, ge=1, description="Time after which a call is answered 503 deadline-exceeded.")
    bulk_ms_max: int = Field(300_000, ge=1, description="The same for bulk calls and stock feeds.")
    queue_max: int = Field(
        20_000, ge=1, description="Calls that may wait for the desk; more are answered 503 overloaded."
    )
    rate_per_minute: int = Field(600_000, ge=1, description="Calls a minute of a key that has no limit of its own.")
    key_life_s: int = Field(
        3, ge=0, le=60, description="How long a looked-up key is believed: a revoked one works no longer than that."
    )
    cors_origins: str = Field("", description="Origins of web pages that may call, separated by spaces; empty: none.")
    docs: bool = Field(True, description="Whether /docs and /openapi.json are served.")
    demo_page: bool = Field(
        False,
        description="Whether /demo/checkout is served, a shop that places orders; on a loopback address only. "
        "`sourcewise serve` turns it on for the demo's network.",
    )
    drain_s: float = Field(
        2.0, ge=0, le=600, description="On SIGTERM: how long calls are still taken, as not ready, before it ends."
    )
    shutdown_s: int = Field(20, ge=1, description="Then: how long calls under way may take.")
    keep_alive_s: int = Field(75, ge=1, description="How long an idle connection is kept open.")
    feed_lag_s_max: float = Field(10.0, gt=0, description="Not ready where the view of stock is further behind.")
    log_format: str = Field("text", pattern="^(text|json)$", description="Lines of the log: text (key=value) or json.")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="The least that is logged.")
    log_decisions: int = Field(1, ge=0, description="One of so many decisions has a line in the log; 0: none.")
    otel: bool = Field(False, description="Send spans by OpenTelemetry, whose own variables say where; needs [otel].")
    event_source: str = Field("", max_length=200, description="`source` of events; empty: the network.")
    webhook_private_targets: bool = Field(
        False, description="Whether webhooks may lead to http and to addresses inside our own network."
    )
    magento_secret: SecretStr = Field(SecretStr(""), description=f"{_TURNS_ON} Magento's source selection.")
    salesforce_secret: SecretStr = Field(SecretStr(""), description=f"{_TURNS_ON} Salesforce Omnichannel Inventory.")
    google_secret: SecretStr = Field(SecretStr(""), description=f"{_TURNS_ON} the local inventory that Google fetches.")
    shopify_secret: SecretStr = Field(
        SecretStr(""), description=f"{_TURNS_ON} Shopify's rates and pickup points: its app's client secret."
    )
    saleor_jwks: SecretStr = Field(
        SecretStr(""), description="JWKS of the Saleor instance, a file or its text, that turns on, empty: off, Saleor."
    )
    bigcommerce_secret: SecretStr = Field(
        SecretStr(""), description=f"{_TURNS_ON} BigCommerce's rates: `secret` of the connection options."
    )


class Setting(NamedTuple):
    """A row of the table of settings."""

    variable: str
    kind: str
    default: str
    meaning: str


def table() -> Iterator[Setting]:
    """All settings, out of the class itself, so that the table cannot lag behind."""
    for name, field in Settings.model_fields.items():
        kind = getattr(field.annotation, "__name__", str(field.annotation))
        yield Setting(f"{PREFIX}{name.upper()}", kind, str(field.default), field.description or "")


def table_text() -> str:
    """The table as text, for `sourcewise serve --help-settings`."""
    rows = list(table())
    wide, narrow = max(len(row.variable) for row in rows), max(len(row.default) for row in rows)
    return "\n".join(f"{row.variable:<{wide}}  {row.default:<{narrow}}  {row.meaning}" for row in rows)
