"""``/liquidation`` and ``/liquidate``: parse, call, answer."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Response, status
from freqtrade.rpc.api_server.api_auth import http_basic_or_jwt_token

from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.frontends.rest.guarded_route import GuardedRoute
from freqtrade_liquidation.frontends.rest.models import (
    ArmRequest,
    DisarmRequest,
    LiquidateRequest,
    PreviewModel,
    ResultModel,
    StandingModel,
    UnderWayModel,
)
from freqtrade_liquidation.host.control import window
from freqtrade_liquidation.host.protection import Protection, current
from freqtrade_liquidation.host.turns import Busy, NotArmed
from freqtrade_liquidation.model import Request

WAIT_S: Final = 8.0
"""Less than what a browser or a proxy is willing to wait."""

router = APIRouter(tags=["Liquidation"], route_class=GuardedRoute)
User = Annotated[str, Depends(http_basic_or_jwt_token)]
Armed = Annotated[Protection, Depends(current)]
UNDER_WAY: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": UnderWayModel, "description": "Not over within 8 seconds: it goes on."},
    409: {"model": UnderWayModel, "description": "A run for other pairs is under way."},
}


@router.get("/liquidation")
def standing(protection: Armed) -> StandingModel:
    """How things stand: armed, disarmed or latched, what runs and what ran last."""
    try:
        return StandingModel.of(protection.standing())
    except LiquidationError as error:
        raise _unavailable(error) from error


@router.post("/liquidate", responses=UNDER_WAY)
def liquidate(
    body: LiquidateRequest, user: User, protection: Armed, response: Response
) -> ResultModel | PreviewModel | UnderWayModel:
    """Closes positions at market now, whatever state the bot is in; or says what that would do."""
    pairs = None if body.pairs is None else frozenset(body.pairs)
    try:
        if unknown := protection.unknown_pairs(pairs or ()):
            raise HTTPException(
                status.HTTP_422_UNPROCESSABLE_ENTITY,
                f"not a pair of this exchange: {', '.join(unknown)}",
            )
        if body.preview:
            return PreviewModel.of(protection.preview(pairs))
        ticket = protection.order(
            Request(trigger="rest", actor=user, reason=body.reason, pairs=pairs), wait_turn=False
        )
    except Busy as busy:
        response.status_code = status.HTTP_409_CONFLICT
        return UnderWayModel(correlation_id=busy.correlation_id, detail=str(busy))
    except LiquidationError as error:
        raise _unavailable(error) from error
    try:
        return ResultModel.of(ticket.wait(WAIT_S))
    except TimeoutError:
        response.status_code = status.HTTP_202_ACCEPTED
        detail = "under way; GET /api/v1/liquidation shows how it ends"
        return UnderWayModel(correlation_id=ticket.correlation_id, detail=detail)


@router.post("/liquidation/disarm")
def disarm(body: DisarmRequest, user: User, protection: Armed) -> StandingModel:
    """Opens a maintenance window: every automatic trigger within it leaves positions open."""
    try:
        duration = window(body.duration)
    except ValueError as error:
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_ENTITY, f"for: {error}") from error
    try:
        protection.control.disarm(duration, by=f"rest {user}", reason=body.reason)
        return StandingModel.of(protection.standing())
    except LiquidationError as error:
        raise _unavailable(error) from error


@router.post("/liquidation/arm")
def arm(user: User, protection: Armed, body: ArmRequest | None = None) -> StandingModel:
    """Ends a maintenance window. Never starts trading."""
    try:
        protection.control.arm(by=f"rest {user}", reason=body.reason if body else None)
        return StandingModel.of(protection.standing())
    except LiquidationError as error:
        raise _unavailable(error) from error


def _unavailable(error: LiquidationError) -> HTTPException:
    """503 where there is no bot, 502 where the exchange or the database does not answer."""
    code = (
        status.HTTP_503_SERVICE_UNAVAILABLE
        if isinstance(error, NotArmed)
        else status.HTTP_502_BAD_GATEWAY
    )
    return HTTPException(code, str(error))
