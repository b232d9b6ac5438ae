"""Every secret that a bot holds is handed to the masker."""

from types import SimpleNamespace
from typing import Any

import ccxt

from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.exchange.secrets import API_FIELDS, secrets_of, without_secrets
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import PairOutcome, PairState, Side
from freqtrade_liquidation.state import LiquidationState


def bot(config: dict[str, Any], **credentials: Any) -> Any:
    return SimpleNamespace(
        exchange=SimpleNamespace(_api=SimpleNamespace(**credentials)), config=config
    )


def test_credentials_are_found_where_freqtrade_leaves_them() -> None:
    found = secrets_of(bot({}, apiKey="key", secret="hush", password="", uid=None))
    assert found == ["key", "hush"]


def test_secrets_of_the_channels_are_found() -> None:
    config = {
        "telegram": {"token": "tg", "chat_id": "1"},
        "api_server": {"password": "pw", "jwt_secret_key": "jwt", "ws_token": ["w1", "w2"]},
        "discord": {"webhook_url": "https://discord/x"},
    }
    assert set(secrets_of(bot(config))) == {"tg", "pw", "jwt", "w1", "w2", "https://discord/x"}


def test_every_credential_that_ccxt_knows_is_a_secret() -> None:
    """A wallet's address is public."""
    assert set(ccxt.Exchange.requiredCredentials) - {"walletAddress"} <= set(API_FIELDS)


def test_nobody_is_told_a_secret_that_an_error_brought_along() -> None:
    outcome = PairOutcome(
        pair="BTC/USDT:USDT", side=Side.LONG, state=PairState.OPEN, amount=1.0,
        residual_amount=1.0, error="rejected for key hush-hush",
    )  # fmt: skip
    result = LiquidationResult(
        state=LiquidationState.FAILED, correlation_id="liq_1", outcomes=(outcome,),
        errors=("could not sign with hush-hush",),
    )  # fmt: skip
    shown = str(without_secrets(result, Masker(["hush-hush"])).to_dict())
    assert "hush-hush" not in shown
    assert "rejected for key ***" in shown
    assert "could not sign with ***" in shown


def test_tokens_of_message_producers_are_secrets() -> None:
    config = {
        "external_message_consumer": {"producers": [{"ws_token": "one"}, {"ws_token": "two"}]}
    }
    assert secrets_of(bot(config)) == ["one", "two"]
