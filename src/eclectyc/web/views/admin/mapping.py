"""``/admin/imports/files/{id}/map``: map a file's columns using its first rows, and save them as a profile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from eclectyc.accounts.actor import Actor
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.profiles import service
from eclectyc.intake.profiles.form_mapping import Answers, answers_in, answers_of, number_of
from eclectyc.intake.profiles.mapping import mapping_of
from eclectyc.intake.profiles.match import signature_of, table_for
from eclectyc.intake.profiles.models import ImportProfile
from eclectyc.intake.profiles.sample_file import SampleFile, open_sample
from eclectyc.intake.profiles.suggest import suggest_answers, suggest_columns
from eclectyc.intake.uploads import import_history
from eclectyc.intake.uploads import service as uploads
from eclectyc.intake.uploads.models import Upload
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.readers.blocks import UnreadableFile
from eclectyc.web.mapper import Mapper, mapper_of
from eclectyc.web.mapping_fields import meaning_forms
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.import_status import may_change
from eclectyc.web.views.admin.page import done, number_in, show, status_of

SHAPE: Final = ("sheet", "delimiter", "records", "header", "skip")  # with another of these, columns are others


def map_file(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a file's first rows with the choices for its columns and their result; POST saves and imports."""
    actor = actor_of(request)
    upload = get_object_or_404(Upload.objects.visible_to(actor).select_related("organisation", "job", "user"), pk=pk)
    found = import_history.entry_for_upload(upload)
    if upload.discarded_at is not None:
        raise Http404
    if found.job is not None and not may_change(found):
        return HttpResponseRedirect(reverse("admin-import", args=[found.identifier]))
    try:
        return _mapped(request, actor, upload)
    except UnreadableFile as refusal:
        context = {"upload": upload, "refusal": refusal, "crumbs": _crumbs(upload)}
        status = 422 if request.method == "POST" else 200
        return show(request, "mapping", "Map columns", context, status=status)


def _mapped(request: HttpRequest, actor: Actor, upload: Upload) -> HttpResponse:
    do = request.POST.get("do", "look") if request.method == "POST" else ""
    answers = _answers(request, actor, upload, do)
    here = reverse("admin-import-map", args=[upload.pk])
    with _head(upload, answers) as head:
        if not answers:
            answers = suggest_answers(head)
        elif do == "look":  # what is saved or imported is what was seen, and nothing suggested since
            answers = _with_suggestions(head, upload.draft or suggest_answers(head), answers)
        if do:
            uploads.save_draft(actor, upload=upload, draft=answers)
        if do in ("restart", "from"):
            return HttpResponseRedirect(here)
        mapper = mapper_of(actor, upload.organisation, head, answers)
        refusal: EclectycError | None = None
        if do in ("save", "try", "import"):
            try:
                return _saved(request, actor, upload, mapper, do)
            except EclectycError as error:
                refusal = error
        context = _context(actor, upload, mapper, refusal)
        if request.headers.get("HX-Request") == "true":
            return render(request, "web/components/mapper.html", context)
        if do == "look":
            return HttpResponseRedirect(here)
        return show(request, "mapping", "Map columns", context, status=status_of(refusal))


def _answers(request: HttpRequest, actor: Actor, upload: Upload, do: str) -> Answers:
    """Return the answers that were sent, or those of the draft; of a profile, where one is asked for."""
    if do == "restart":
        return {}
    if do == "from":
        profiles = ImportProfile.objects.visible_to(actor).filter(organisation=upload.organisation_id)
        return _answers_from(upload, get_object_or_404(profiles, pk=number_in(request.POST.get("from", ""))))
    return answers_in(request.POST.dict()) if do else dict(upload.draft)


def _answers_from(upload: Upload, profile: ImportProfile) -> Answers:
    """Return a saved profile's answers over a file."""
    mapping = mapping_of(profile.mapping)
    own = {
        "name": profile.name,
        "sender": profile.sender,
        "notes": profile.notes,
        "profile": str(profile.pk),
        "version": str(profile.version),
    }
    with open_sample(upload.path, upload.name, mapping.file.sheet) as head:
        try:
            return answers_of(mapping, table_for(head, mapping)) | own
        except UnreadableFile:  # the file is another: its columns are still to be named
            kept = {name: text for name, text in answers_of(mapping).items() if name not in SHAPE}
            return suggest_answers(head) | kept | own


@contextmanager
def _head(upload: Upload, answers: Answers) -> Iterator[SampleFile]:
    if not upload.kept or not upload.path.is_file():
        raise UnreadableFile("This file is no longer stored.", "Upload it again.")
    with open_sample(upload.path, upload.name, answers.get("sheet", "")) as head:
        yield head


def _with_suggestions(head: SampleFile, before: Answers, answers: Answers) -> Answers:
    """Return answers with what is suggested where columns have become others, or mean other things now."""
    if any(_plain(name, before, head) != _plain(name, answers, head) for name in SHAPE):
        kept = {name: text for name, text in answers.items() if not (name[0] in "cqu" and name[1:].isdigit())}
        return kept | suggest_columns(head, kept)
    if before.get("layout") != answers.get("layout"):
        taken = set(answers.values())
        more = {n: t for n, t in suggest_columns(head, answers).items() if n[0] == "c" and n not in answers}
        return answers | {n: t for n, t in more.items() if t == "value" or t not in taken}
    return answers


def _plain(name: str, answers: Answers, head: SampleFile) -> str:
    """Return an answer about a file's shape, with what it is left out for in its place."""
    usual = {"skip": "0", "sheet": head.sheet}.get(name, "")
    return answers.get(name, "") or usual


def _saved(request: HttpRequest, actor: Actor, upload: Upload, mapper: Mapper, do: str) -> HttpResponse:
    """Save the profile, and have the file imported, or tried out, with it."""
    if mapper.mapping is None or not mapper.is_ready:
        first = next((one.text for one in mapper.open if one.kind == "needed"), "")
        raise mapper.fault or Invalid("Some questions are still open.", first)
    answers = mapper.answers
    texts = {name: answers.get(name, "") for name in ("name", "sender", "notes")}
    signature = signature_of(mapper.mapping, mapper.table)
    profile = ImportProfile.objects.visible_to(actor).filter(pk=number_of(answers, "profile")).first()
    is_same = profile is not None and profile.organisation_id == upload.organisation_id
    if profile is not None and is_same and profile.name == texts["name"].strip():
        saved = service.change_profile(
            actor,
            profile=profile,
            version=number_of(answers, "version") or None,
            mapping=mapper.mapping,
            signature=signature,
            **texts,
        )
    else:
        saved = service.create_profile(
            actor, organisation=upload.organisation, mapping=mapper.mapping, signature=signature, **texts
        )
    draft = answers | {"profile": str(saved.pk), "version": str(saved.version), "name": saved.name}
    uploads.save_draft(actor, upload=upload, draft=draft)
    if do == "save":
        return done(request, f"{saved.name} was saved.", reverse("admin-import-file", args=[upload.pk]))
    job = uploads.start(actor, upload=upload, options=ImportOptions(profile=saved.name, dry_run=do == "try"))
    return HttpResponseRedirect(reverse("admin-import", args=[f"j{job.pk}"]))


def _context(actor: Actor, upload: Upload, mapper: Mapper, refusal: EclectycError | None) -> dict[str, Any]:
    profiles = ImportProfile.objects.visible_to(actor).filter(organisation=upload.organisation_id)
    return {
        "upload": upload,
        "mapper": mapper,
        "answers": mapper.answers,
        "preview": mapper.preview,
        **meaning_forms(mapper),
        "not_saved": refusal,
        "crumbs": _crumbs(upload),
        "profiles": list(profiles.values_list("pk", "name")[:100]),
        "sub": f"{upload.name}, for {upload.organisation.name}. Nothing is saved until you import it.",
    }


def _crumbs(upload: Upload) -> list[tuple[str, str]]:
    return [("Imports", reverse("admin-imports")), (upload.name, reverse("admin-import-file", args=[upload.pk]))]
