"""Feeds: places from which files are collected automatically. Secrets are accepted and never returned."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from ninja.responses import Status
from pydantic import Field

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.api.authentication import actor_of
from eclectyc.api.lookup import organisations_named
from eclectyc.api.requests import CHANGING, ONE, Body, Number, Page, Searched, not_null, one, page_of, require_somewhere
from eclectyc.api.schemas import Text
from eclectyc.intake.feeds import service
from eclectyc.intake.feeds.models import Feed, FeedFile
from eclectyc.intake.feeds.outcomes import FileOutcome, outcomes
from eclectyc.intake.import_options import ImportOptions
from eclectyc.jobs.models import Schedule

router = Router(tags=["feeds"])

Kind = Literal["sftp", "folder", "https"]
State = Literal["paused", "new", "failing", "degraded", "well"]
_SETTINGS: Final = (
    "sftp: host, port, username, host_key, path, pattern, after (leave, move, delete), move_to, settle_s. "
    "folder (operators only): path, pattern, after, move_to, settle_s. "
    "https: url, authorisation (none, bearer, basic, header), header, first_days, overlap_days."
)
_SECRETS: Final = (
    "sftp: password, or private_key with passphrase. https: token. Stored encrypted and never returned. What is given "
    "replaces all there were."
)


class FeedOptions(Body):
    """The import options of a feed's files."""

    profile: Text = Field("", description="The name of a saved import profile of the organisation.")
    type: Text = "auto"
    create_meters: bool = False
    site: Text = ""
    stamps: Literal["auto", "start", "end"] = "auto"
    timezone: Text = ""
    unit: Text = ""
    meter: Text = ""
    quantity: Text = ""
    sheet: Text = ""
    strict_mpan: bool = False


class NewFeed(Body):
    organisation: Number
    kind: Kind
    name: Text = Field(description="Its sender; unique in the organisation.")
    settings: dict[str, str | int] = Field(description=_SETTINGS)
    secrets: dict[str, str] = Field({}, description=_SECRETS)
    options: FeedOptions = Field(default_factory=lambda: FeedOptions.model_validate({}))
    cron: Text = Field("*/15 * * * *", description="When it is checked: minute, hour, day, month, weekday.")
    zone: Text = "Europe/London"
    is_active: bool = True
    quiet_after_h: int | None = Field(
        None, ge=1, le=87_600, description="Sends a mail if no file arrives for this many hours; null: none."
    )


class ChangedFeed(Body):
    name: Text | None = None
    settings: dict[str, str | int] | None = Field(None, description=f"Replaced as a whole. {_SETTINGS}")
    secrets: dict[str, str] | None = Field(None, description=f"If left out, unchanged. {_SECRETS}")
    options: FeedOptions | None = Field(None, description="Given whole.")
    cron: Text | None = None
    zone: Text | None = None
    is_active: bool | None = None
    quiet_after_h: int | None = Field(None, ge=1, le=87_600)


class FeedList(Searched):
    organisation: Text | None = Field(None, description="Name or number.")


class FeedOut(Schema):
    id: int
    name: str
    kind: Kind
    organisation: str
    organisation_id: int
    state: State
    settings: dict[str, Any] = Field(description="Without secrets.")
    has_secrets: bool
    options: dict[str, Any] = Field(description="Import options that differ from the defaults.")
    cron: str
    zone: str
    is_active: bool
    quiet_after_h: int | None
    created_at: datetime
    last_looked_at: datetime | None
    last_success_at: datetime | None
    last_file_at: datetime | None
    next_at: datetime | None = Field(description="When it is next checked.")
    failed_files: int = Field(
        description="Files that could not be imported. One no longer counts once it is imported or discarded, or a "
        "later file of its name is imported."
    )
    error: str = Field(description="Why it fails; empty if it works.")
    remedy: str


class FeedPage(Schema):
    items: list[FeedOut]
    count: int


class FeedFileOut(Schema):
    name: str
    size: int | None = Field(description="Bytes, if the place states them.")
    seen_at: datetime
    sha256: str
    job: int | None = Field(description="The job that imports it; null if its content came before.")
    result: str = Field(description="What became of it, such as: imported; failed: 2 meters not known.")
    has_failed: bool


class FeedFilePage(Schema):
    items: list[FeedFileOut]
    count: int


class LookOut(Schema):
    job: int = Field(description="The background job that checks the feed.")


@router.get("/feeds", response={200: FeedPage, **ONE}, summary="List feeds")
def list_feeds(request: HttpRequest, asked: Query[FeedList]) -> FeedPage:
    """Feeds of the organisations in which you run imports, by name."""
    actor = actor_of(request)
    require_somewhere(actor, "imports.run")
    found, organisations = _visible(actor), organisations_named(actor, asked.organisation)
    if organisations is not None:
        found = found.filter(organisation__in=organisations)
    if asked.search:
        found = found.filter(name__icontains=asked.search)
    items, count = page_of(found, asked)
    return FeedPage(items=_outs(actor, items), count=count)


@router.post("/feeds", response={201: FeedOut, **CHANGING}, summary="Create a feed")
def add_feed(request: HttpRequest, body: NewFeed) -> Status[FeedOut]:
    """It is checked by its schedule from now on."""
    actor = actor_of(request)
    organisation = one(Organisation.objects.visible_to(actor), body.organisation, "organisation", field="organisation")
    made = service.create_feed(
        actor,
        organisation=organisation,
        kind=body.kind,
        details=service.FeedDetails(
            body.name,
            body.settings,
            body.secrets,
            ImportOptions(**body.options.dict()),
            body.cron,
            body.zone,
            body.is_active,
            body.quiet_after_h,
        ),
    )
    return Status(201, _outs(actor, [made])[0])


@router.get("/feeds/{pk}", response={200: FeedOut, **ONE}, summary="One feed")
def one_feed(request: HttpRequest, pk: Path[Number]) -> FeedOut:
    """Its settings and its state."""
    return _out(request, pk)


@router.patch("/feeds/{pk}", response={200: FeedOut, **CHANGING}, summary="Change a feed")
def change_feed(request: HttpRequest, pk: Path[Number], body: ChangedFeed) -> FeedOut:
    """Fields that are left out stay unchanged. Secrets are only used for the place they were given for."""
    actor = actor_of(request)
    held = one(_visible(actor), pk, "feed")
    given = body.given()
    not_null(given, *(set(given) - {"quiet_after_h"}))
    options = ImportOptions(**body.options.dict()) if body.options is not None else service.options_of(held)
    wanted = service.FeedDetails(
        given.get("name", held.name),
        given.get("settings", held.settings),
        given.get("secrets"),
        options,
        given.get("cron", held.cron),
        given.get("zone", held.zone),
        given.get("is_active", held.is_active),
        given.get("quiet_after_h", held.quiet_after_h),
    )
    service.update_feed(actor, feed=held, details=wanted)
    return _out(request, pk)


@router.delete("/feeds/{pk}", response={204: None, **CHANGING}, summary="Delete a feed")
def delete_feed(request: HttpRequest, pk: Path[Number]) -> Status[None]:
    """No more files are fetched; imported readings stay."""
    actor = actor_of(request)
    service.delete_feed(actor, feed=one(_visible(actor), pk, "feed"))
    return Status(204, None)


@router.post("/feeds/{pk}/read", response={202: LookOut, **CHANGING}, summary="Check a feed now")
def read_feed(request: HttpRequest, pk: Path[Number]) -> Status[LookOut]:
    """Runs in the background; new files are imported."""
    actor = actor_of(request)
    return Status(202, LookOut(job=service.read_now(actor, feed=one(_visible(actor), pk, "feed")).pk))


@router.get("/feeds/{pk}/files", response={200: FeedFilePage, **ONE}, summary="List a feed's files")
def feed_files(request: HttpRequest, pk: Path[Number], asked: Query[Page]) -> FeedFilePage:
    """The files that the feed collected, the latest first."""
    held = one(_visible(actor_of(request)), pk, "feed")
    items, count = page_of(held.files.exclude(sha256="").select_related("upload__job"), asked)
    found = zip(items, outcomes(items), strict=True)
    return FeedFilePage(items=[_file(file, outcome) for file, outcome in found], count=count)


def _visible(actor: Actor) -> QuerySet[Feed]:
    return Feed.objects.visible_to(actor).select_related("organisation", "profile").with_failures()


def _out(request: HttpRequest, pk: int) -> FeedOut:
    actor = actor_of(request)
    return _outs(actor, [one(_visible(actor), pk, "feed")])[0]


def _outs(actor: Actor, feeds: list[Feed]) -> list[FeedOut]:
    due = Schedule.objects.visible_to(actor).filter(name__in=[one.schedule_name for one in feeds], is_paused=False)
    following = dict(due.values_list("name", "next_at"))
    return [FeedOut(**_facts(one), next_at=following.get(one.schedule_name)) for one in feeds]


def _facts(feed: Feed) -> dict[str, Any]:
    names = (
        "id",
        "name",
        "kind",
        "organisation_id",
        "state",
        "settings",
        "cron",
        "zone",
        "is_active",
        "quiet_after_h",
        "created_at",
        "last_looked_at",
        "last_success_at",
        "last_file_at",
        "failed_files",
        "error",
        "remedy",
    )
    profile = {"profile": feed.profile.name} if feed.profile else {}
    return {name: getattr(feed, name) for name in names} | {
        "organisation": feed.organisation.name,
        "has_secrets": bool(feed.secret),
        "options": feed.options | profile,
    }


def _file(file: FeedFile, outcome: FileOutcome) -> FeedFileOut:
    return FeedFileOut(
        name=file.name,
        size=file.size if file.size >= 0 else None,
        seen_at=file.seen_at,
        sha256=file.sha256,
        job=file.upload.job_id if file.upload else None,
        result=outcome.text,
        has_failed=outcome.has_failed,
    )
