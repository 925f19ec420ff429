"""Organisations, users, memberships and API tokens."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any, ClassVar, Literal, Self

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.grants import local_today
from eclectyc.accounts.reach import Place, Reach
from eclectyc.accounts.roles import ROLES, VIEWER
from eclectyc.kernel.errors import Invalid


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def visible_to(self, actor: Actor, permission: str = "estate.view") -> Self:
        """Organisations within the actor's reach, and those that granted the actor a part of themselves."""
        if actor.sees_all(permission):
            return self
        whole = models.Q(pk__in=actor.organisations(permission))
        if actor.narrowed is None and permission == "estate.view" and actor.reach(permission):
            whole |= models.Q(pk__in=actor.own_organisations())
        return self.filter(whole)


class Organisation(models.Model):
    """A company with an estate, or a consultancy or supplier above such companies.

    ``path`` lists the organisation and all above it ("/3/17/"), so that all below one have its path as a prefix.
    Empty branding is inherited from above.
    """

    name = models.CharField(max_length=200)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, related_name="children", null=True, blank=True)
    path = models.CharField(max_length=500, db_index=True, editable=False, default="")
    brand_name = models.CharField(max_length=100, blank=True)
    brand_colour = models.CharField(max_length=7, blank=True)  # #rrggbb
    logo_type = models.CharField(max_length=20, blank=True, editable=False)  # of its Logo; empty if it has none
    requires_second_factor = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        # Unique among siblings only: a refusal must not reveal the names of other people's organisations.
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("name"), "parent", name="one_organisation_per_name_below"),
            models.UniqueConstraint(
                Lower("name"), condition=models.Q(parent=None), name="one_top_organisation_per_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and keep the path of this and of all below it in step with the parent."""
        with transaction.atomic():
            super().save(*args, **kwargs)
            path = f"{self.parent.path if self.parent else '/'}{self.pk}/"
            if path == self.path:
                return
            if self.path and path.startswith(self.path):
                raise Invalid(f"{self.name} cannot be below itself.", "Choose another organisation.", field="parent")
            # A new one has no path, and nothing below it.
            within = (
                Organisation.objects.filter(path__startswith=self.path) if self.path else Organisation.objects.none()
            )
            below = list(within.exclude(pk=self.pk))
            old, self.path = self.path, path
            Organisation.objects.filter(pk=self.pk).update(path=path)
            for organisation in below:
                organisation.path = path + organisation.path.removeprefix(old)
            Organisation.objects.bulk_update(below, ["path"], batch_size=500)

    @property
    def ancestry(self) -> list[int]:
        """The numbers of the organisations above, from the top, with this one last."""
        return [int(part) for part in self.path.strip("/").split("/") if part]


class Logo(models.Model):
    """An organisation's logo, in its own table: else every query that joins organisations would load it."""

    organisation = models.OneToOneField(Organisation, primary_key=True, on_delete=models.CASCADE, related_name="logo")
    picture = models.BinaryField()

    def __str__(self) -> str:
        return f"logo of {self.organisation_id}"


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, actor: Actor) -> Self:
        """People with a membership at a place where the actor may see people, and the actor."""
        if actor.sees_all("people.view"):
            return self
        theirs = Membership.objects.visible_to(actor).values("user")
        return self.filter(models.Q(pk__in=theirs) | models.Q(pk=actor.user_id))


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, username: str | None) -> User:
        """Return a user by email address, ignoring case."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A person, who signs in with an email address."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    is_operator = models.BooleanField(default=False, help_text="Stands above organisations.")
    password_is_temporary = models.BooleanField(default=False, editable=False)  # an administrator knows it
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    objects = UserManager()

    class Meta:
        ordering: ClassVar = ["email"]
        constraints: ClassVar = [models.UniqueConstraint(Lower("email"), name="one_user_per_email")]

    def __str__(self) -> str:
        return self.email


class RoleQuerySet(models.QuerySet["Role"]):
    def visible_to(self, actor: Actor) -> Self:
        """Custom roles of the organisations in which the actor may see people or edit roles, and of those above."""
        if actor.sees_all("people.view"):
            return self
        paths = Organisation.objects.filter(pk__in=_organisations_showing_roles(actor)).values_list("path", flat=True)
        above = {int(part) for path in paths for part in path.strip("/").split("/") if part}
        return self.filter(organisation__in=above)


def _organisations_showing_roles(actor: Actor) -> set[int]:
    found = set(actor.organisations("people.view") | actor.organisations("roles.edit"))
    if actor.narrowed is None and (actor.only is None or "people.view" in actor.only):
        found |= {grant.organisation for grant in actor.grants if "people.view" in grant.permissions}
    return found


class Role(models.Model):
    """A custom role: a named set of permissions, for an organisation and all below it."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="custom_roles")
    name = models.CharField(max_length=60)
    permissions = models.JSONField(default=list)

    objects = RoleQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["organisation", "name"], name="one_role_per_name")]

    def __str__(self) -> str:
        return self.name


class Scope(models.Model):
    """A region, a site or a meter; or, if none is set, a whole organisation."""

    region = models.ForeignKey("estate.Region", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    site = models.ForeignKey("estate.Site", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    meter = models.ForeignKey("estate.Meter", on_delete=models.CASCADE, null=True, blank=True, related_name="+")

    class Meta:
        abstract = True

    @property
    def is_of_whole_organisation(self) -> bool:
        """Whether no region, site or meter is set."""
        return self.region_id is None and self.site_id is None and self.meter_id is None

    @property
    def thing(self) -> models.Model | None:
        """The region, site or meter; None for a whole organisation."""
        if self.meter_id is not None:
            return self.meter
        if self.site_id is not None:
            return self.site
        return self.region if self.region_id is not None else None


AT_ONE_PLACE = models.Q(region=None, site=None) | models.Q(region=None, meter=None) | models.Q(site=None, meter=None)
PLACE_RELATIONS = ("organisation", "region", "site", "meter", "meter__site")  # joined to a scope, for its place


class Position(Scope):
    """A role at a place, from ``since`` up to ``until`` (exclusive)."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="%(class)ss")
    role = models.CharField(max_length=20, choices=[(r, r) for r in ROLES], default=VIEWER, blank=True)
    custom_role = models.ForeignKey(Role, on_delete=models.PROTECT, null=True, blank=True, related_name="%(class)ss")
    since = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def place(self) -> Place:
        """The place, for checks of rights."""
        thing = self.thing
        return thing.place if thing is not None else Place(self.organisation_id)  # type: ignore[attr-defined]

    @property
    def role_name(self) -> str:
        """The name of the built-in or custom role."""
        return self.custom_role.name if self.custom_role is not None else self.role


class MembershipQuerySet(models.QuerySet["Membership"]):
    def visible_to(self, actor: Actor) -> Self:
        """Memberships at places where the actor may see people, and the actor's own unless they have ended.

        A person who has left an organisation can read nothing of it, not even their former role.
        """
        if actor.sees_all("people.view"):
            return self
        own = models.Q(pk__in=())
        if actor.narrowed is None:
            own = models.Q(user=actor.user_id) & (models.Q(until=None) | models.Q(until__gt=local_today()))
        return self.filter(_within_limits(actor, "people.view") | own)


class Membership(Position):
    """A person's role at a place."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [models.CheckConstraint(condition=AT_ONE_PLACE, name="membership_at_one_place")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role_name} at {self.organisation}"


InvitationState = Literal["open", "accepted", "withdrawn", "expired"]


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def visible_to(self, actor: Actor) -> Self:
        """Invitations to places where the actor may see people."""
        if actor.sees_all("people.view"):
            return self
        return self.filter(_within_limits(actor, "people.view"))

    def open(self, now: datetime) -> Self:
        """Invitations that can still be accepted."""
        return self.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=now)


class Invitation(Position):
    """A role at a place, offered to the reader of an email address. Only a digest of its single-use token is stored."""

    email = models.EmailField(max_length=254)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)  # null: the mail server did not accept it
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [models.CheckConstraint(condition=AT_ONE_PLACE, name="invitation_to_one_place")]

    def __str__(self) -> str:
        return f"invitation of {self.email} as {self.role_name} at {self.organisation}"

    def state(self, now: datetime) -> InvitationState:
        """Return open, accepted, withdrawn or expired."""
        if self.accepted_at is not None:
            return "accepted"
        if self.withdrawn_at is not None:
            return "withdrawn"
        return "open" if self.expires_at > now else "expired"


def _within_limits(actor: Actor, permission: str) -> models.Q:
    condition = models.Q()
    for limit in actor.limits(permission):
        condition &= _within_reach(limit)
    return condition


def _within_reach(limit: Reach) -> models.Q:
    """Return the condition of a position (membership, invitation) whose place is wholly within a reach.

    Subqueries of the sites and meters within it read few rows; a join would read them all.
    """
    if limit.everywhere:
        return models.Q()
    condition = models.Q(pk__in=())
    if limit.organisations:
        condition |= models.Q(organisation__in=limit.organisations)
    if limit.regions:
        sites = _keys("Site", region__in=limit.regions)
        condition |= models.Q(region__in=limit.regions) | models.Q(site__in=sites)
        condition |= models.Q(meter__in=_keys("Meter", site__in=sites))
    if limit.sites:
        condition |= models.Q(site__in=limit.sites) | models.Q(meter__in=_keys("Meter", site__in=limit.sites))
    if limit.meters:
        condition |= models.Q(meter__in=limit.meters)
    return condition


def _keys(model: str, **at: Any) -> models.QuerySet[Any, Any]:
    return apps.get_model("estate", model)._default_manager.filter(**at).order_by().values("pk")


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def visible_to(self, actor: Actor) -> Self:
        """The actor's own tokens; all for an operator."""
        return self if actor.sees_all("people.view") else self.filter(user=actor.user_id)


class ApiToken(Scope):
    """A key for a program. The token itself is shown once; only its digest is stored.

    It allows what its person may do at that moment, within its scope (read, push, manage) and its place.
    """

    READ, PUSH, MANAGE = "read", "push", "manage"
    SCOPES = (READ, PUSH, MANAGE)

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=10, choices=[(s, s) for s in SCOPES], default=READ)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_on = models.DateField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}"

    @staticmethod
    def digest_of(token: str) -> str:
        """Return the digest that is stored. 32 random bytes need no salt and no slow hash."""
        return hashlib.sha256(token.encode()).hexdigest()

    @staticmethod
    def new_secret() -> str:
        """Return a new token."""
        return "ecl_" + secrets.token_urlsafe(32)


class Tally(models.Model):
    """A count of attempts, on PostgreSQL (see ``rate_limit.database``).

    ``digest`` is keyed and identifies no one. PostgreSQL does not log the table: a crash loses the counts.
    """

    digest = models.CharField(primary_key=True, max_length=32)
    seen = models.BigIntegerField()  # number of the window
    taken = models.IntegerField()  # in it
    before = models.IntegerField()  # in the one before
    forget_at = models.BigIntegerField(db_index=True)  # [s] since 1970; from then on it is ignored

    def __str__(self) -> str:
        return f"{self.taken} in window {self.seen}"
