"""Import profiles: the layout of a sender's files, as JSON and TOML."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from ninja.responses import Status
from pydantic import AfterValidator, Field, StringConstraints

from eclectyc.accounts.models import Organisation
from eclectyc.api.authentication import actor_of
from eclectyc.api.lookup import organisations_named
from eclectyc.api.requests import CHANGING, ONE, Body, Number, Searched, not_null, one, page_of, require_somewhere
from eclectyc.api.schemas import Text
from eclectyc.api.versions import VERSIONED, IfMatch, tag, version_of
from eclectyc.intake.profiles import service
from eclectyc.intake.profiles.mapping import Mapping, mapping_of
from eclectyc.intake.profiles.models import ImportProfile
from eclectyc.intake.profiles.toml_text import MOST_BYTES, mapping_of_toml, toml_of
from eclectyc.kernel.errors import Invalid

router = Router(tags=["imports"])

TOML: Final = "application/toml"
_TOML_TYPES: Final = ("application/json", TOML, "text/toml", "text/x-toml")
_AS_TOML: Final = {"responses": {200: {"content": {TOML: {"schema": {"type": "string"}}}}}}


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a text cannot contain a NUL character")
    return text


LongText = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_no_nul)]
_MAPPING: Final = Field(
    None,
    description="The layout of the files: layout, file, columns, meaning, flags, quantities, meters, last_wins.",
)
_TOML: Final = Field(None, max_length=MOST_BYTES, description="The same as TOML; give one of the two.")


class NewProfile(Body):
    organisation: Number
    name: Text = Field(description="Unique in the organisation, such as the sender.")
    sender: Text = ""
    notes: LongText = ""
    mapping: dict[str, Any] | None = _MAPPING
    toml: str | None = _TOML


class ChangedProfile(Body):
    name: Text | None = None
    sender: Text | None = None
    notes: LongText | None = None
    mapping: dict[str, Any] | None = _MAPPING
    toml: str | None = _TOML


class ProfileList(Searched):
    organisation: Text | None = Field(None, description="Name or number.")


class ProfileOut(Schema):
    id: int
    name: str
    organisation: str
    organisation_id: int
    sender: str
    notes: str
    layout: str
    version: int = Field(description="Increases with each change; also the answer's ETag.")
    created_at: datetime
    changed_at: datetime
    last_used_at: datetime | None = Field(description="When it was last used.")
    feeds: list[str] = Field(description="The feeds that use it.")


class OneProfileOut(ProfileOut):
    mapping: dict[str, Any]


class ProfilePage(Schema):
    items: list[ProfileOut]
    count: int


@router.get("/import-profiles", response={200: ProfilePage, **ONE}, summary="List import profiles")
def list_profiles(request: HttpRequest, asked: Query[ProfileList]) -> ProfilePage:
    """Profiles of the organisations in which you run imports, by name."""
    actor = actor_of(request)
    require_somewhere(actor, "imports.run")
    found, organisations = _visible(request), organisations_named(actor, asked.organisation)
    if organisations is not None:
        found = found.filter(organisation__in=organisations)
    if asked.search:
        found = found.filter(Q(name__icontains=asked.search) | Q(sender__icontains=asked.search))
    items, count = page_of(found.prefetch_related("feeds"), asked)
    return ProfilePage(items=[ProfileOut(**_facts(profile)) for profile in items], count=count)


@router.post("/import-profiles", response={201: OneProfileOut, **CHANGING}, summary="Save an import profile")
def add_profile(request: HttpRequest, response: HttpResponse, body: NewProfile) -> Status[OneProfileOut]:
    """Its mapping is checked as a whole; the error names the first fault."""
    actor = actor_of(request)
    organisation = one(Organisation.objects.visible_to(actor), body.organisation, "organisation", field="organisation")
    actor.require("imports.run", organisation.pk)
    mapping = _mapping(body.mapping, body.toml)
    if mapping is None:
        raise Invalid("A profile needs a mapping.", "Give mapping, or toml.", field="mapping")
    made = service.create_profile(
        actor, organisation=organisation, name=body.name, mapping=mapping, sender=body.sender, notes=body.notes
    )
    return Status(201, _out(response, made))


@router.get(
    "/import-profiles/{pk}", response={200: OneProfileOut, **ONE}, summary="One import profile", openapi_extra=_AS_TOML
)
def one_profile(request: HttpRequest, response: HttpResponse, pk: Path[Number]) -> OneProfileOut | HttpResponse:
    """With its mapping; as TOML for ``Accept: application/toml`` (or ``text/toml``)."""
    found = _one(request, pk)
    if request.get_preferred_type(_TOML_TYPES) not in (None, "application/json"):
        answer = HttpResponse(toml_of(mapping_of(found.mapping)), content_type=f"{TOML}; charset=utf-8")
        tag(answer, found.version)
        answer["Vary"] = "Accept"
        return answer
    return _out(response, found)


@router.patch("/import-profiles/{pk}", response={200: OneProfileOut, **VERSIONED}, summary="Change an import profile")
def change_profile(
    request: HttpRequest, response: HttpResponse, pk: Path[Number], body: ChangedProfile, if_match: IfMatch = None
) -> OneProfileOut:
    """Fields that are left out stay unchanged; a mapping is replaced as a whole. Feeds follow a new name."""
    found = _one(request, pk)
    given = not_null(body.given(), *body.given())
    mapping = _mapping(given.pop("mapping", None), given.pop("toml", None))
    changed = service.change_profile(
        actor_of(request), profile=found, version=version_of(if_match), mapping=mapping, **given
    )
    return _out(response, changed)


@router.delete("/import-profiles/{pk}", response={204: None, **VERSIONED}, summary="Delete an import profile")
def delete_profile(request: HttpRequest, pk: Path[Number], if_match: IfMatch = None) -> Status[None]:
    """Refused while a feed or a waiting file uses it."""
    service.delete_profile(actor_of(request), profile=_one(request, pk), version=version_of(if_match))
    return Status(204, None)


def _mapping(mapping: dict[str, Any] | None, toml: str | None) -> Mapping | None:
    if mapping is not None and toml is not None:
        raise Invalid("Both mapping and toml are given.", "Give one of them.", field="toml")
    if toml is not None:
        return mapping_of_toml(toml)
    return None if mapping is None else mapping_of(mapping)


def _visible(request: HttpRequest) -> QuerySet[ImportProfile]:
    return ImportProfile.objects.visible_to(actor_of(request)).select_related("organisation")


def _one(request: HttpRequest, pk: int) -> ImportProfile:
    return one(_visible(request), pk, "import profile")


def _out(response: HttpResponse, profile: ImportProfile) -> OneProfileOut:
    tag(response, profile.version)
    return OneProfileOut(**_facts(profile), mapping=profile.mapping)


def _facts(profile: ImportProfile) -> dict[str, Any]:
    names = ("id", "name", "organisation_id", "sender", "notes", "version", "created_at", "changed_at", "last_used_at")
    return {name: getattr(profile, name) for name in names} | {
        "organisation": profile.organisation.name,
        "layout": profile.mapping.get("layout", ""),
        "feeds": sorted(feed.name for feed in profile.feeds.all()),
    }
