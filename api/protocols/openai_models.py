"""GET /v1/models: the one model that OpenAI's clients can ask for. Which language model answers, the workers decide, and the answer says."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from api.protocols.openai_answers import openai_refusals, require_model
from api.sessions import Asker
from schemas.openai_bodies import MODEL, ModelListed, ModelsListed

router = APIRouter(prefix="/v1/models", tags=["openai"])
_ROXY = ModelListed(id=MODEL)


@router.get("", responses=openai_refusals())
async def models(principal: Asker) -> ModelsListed:
    """The models."""
    return ModelsListed(data=[_ROXY])


@router.get("/{model}", responses=openai_refusals(404))
async def model(model: Annotated[str, Path(max_length=200)], principal: Asker) -> ModelListed:
    """One of them."""
    require_model(model)
    return _ROXY
