"""Organisations, users, memberships and API tokens."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.reach import Reach
from eclectyc.accounts.roles import ROLES, VIEWER
from eclectyc.kernel.errors import Invalid


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def visible_to(self, actor: Actor, permission: str = "estate.view") -> Self:
        """Organisations within the actor's reach, and those that gave the actor a part of theirs."""
        if actor.operator and actor.narrowed is None:
            return self
        whole = models.Q(pk__in=actor.organisations(permission))
        if actor.narrowed is None and permission == "estate.view":
            whole |= models.Q(pk__in=actor.own_organisations())
        return self.filter(whole)


class Organisation(models.Model):
    """A company whose estate is kept here, or a consultancy or supplier above such companies.

    ``path`` lists the organisation and all above it ("/3/17/"), so that all below one is found by its beginning.
    Branding that is empty here is taken from above.
    """

    name = models.CharField(max_length=200, unique=True)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, related_name="children", null=True, blank=True)
    path = models.CharField(max_length=500, db_index=True, editable=False, default="")
    brand_name = models.CharField(max_length=100, blank=True)
    brand_colour = models.CharField(max_length=7, blank=True)  # #rrggbb
    logo = models.BinaryField(null=True, blank=True, editable=False)
    logo_type = models.CharField(max_length=20, blank=True, editable=False)
    requires_second_factor = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]

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
                raise Invalid(
                    f"{self.name} cannot stand below itself.", "Choose another organisation.", field="parent"
                )
            below = list(Organisation.objects.filter(path__startswith=self.path).exclude(pk=self.pk)) if self.path else []
            old, self.path = self.path, path
            Organisation.objects.filter(pk=self.pk).update(path=path)
            for organisation in below:
                organisation.path = path + organisation.path.removeprefix(old)
            Organisation.objects.bulk_update(below, ["path"], batch_size=500)

    @property
    def ancestry(self) -> list[int]:
        """The numbers of the organisations above, from the top, with this one last."""
        return [int(part) for part in self.path.strip("/").split("/") if part]


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, actor: Actor) -> Self:
        """People with a membership where the actor keeps the people, and the actor."""
        if actor.operator and actor.narrowed is None:
            return self
        theirs = Membership.objects.visible_to(actor).values("user")
        return self.filter(models.Q(pk__in=theirs) | models.Q(pk=actor.user_id))


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, username: str | None) -> User:
        """Find a user by e-mail address, in whatever case it was typed."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A person who signs in with an e-mail address."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    is_operator = models.BooleanField(default=False, help_text="Stands above organisations.")
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
        """Custom roles of the organisations in which the actor keeps people, and of those above them."""
        if actor.operator and actor.narrowed is None:
            return self
        kept = Organisation.objects.filter(pk__in=actor.organisations("people.edit")).values_list("path", flat=True)
        above = {int(part) for path in kept for part in path.strip("/").split("/") if part}
        return self.filter(organisation__in=above)


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
    """A place to which something is narrowed: a region, a site or a meter; none of them: a whole organisation."""

    region = models.ForeignKey("estate.Region", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    site = models.ForeignKey("estate.Site", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    meter = models.ForeignKey("estate.Meter", on_delete=models.CASCADE, null=True, blank=True, related_name="+")

    class Meta:
        abstract = True

    @property
    def is_of_whole_organisation(self) -> bool:
        """Whether nothing narrower than the organisation is named."""
        return self.region_id is None and self.site_id is None and self.meter_id is None


class MembershipQuerySet(models.QuerySet["Membership"]):
    def visible_to(self, actor: Actor) -> Self:
        """Memberships at places where the actor keeps the people, and the actor's own."""
        if actor.operator and actor.narrowed is None:
            return self
        wanted = models.Q()
        for limit in actor.limits("people.edit"):
            wanted &= _at(limit)
        return self.filter(wanted | models.Q(user=actor.user_id))


class Membership(Scope):
    """A person's role at a place, from ``since`` up to, not including, ``until``."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=[(r, r) for r in ROLES], default=VIEWER, blank=True)
    custom_role = models.ForeignKey(Role, on_delete=models.PROTECT, null=True, blank=True, related_name="memberships")
    since = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(region=None, site=None)
                | models.Q(region=None, meter=None)
                | models.Q(site=None, meter=None),
                name="membership_at_one_place",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.custom_role or self.role} at {self.organisation}"


def _at(limit: Reach) -> models.Q:
    """Return the condition of memberships whose whole place is within a reach."""
    if limit.everywhere:
        return models.Q()
    return (
        models.Q(organisation__in=limit.organisations)
        | models.Q(region__in=limit.regions)
        | models.Q(site__in=limit.sites)
        | models.Q(site__region__in=limit.regions)
        | models.Q(meter__in=limit.meters)
        | models.Q(meter__site__in=limit.sites)
        | models.Q(meter__site__region__in=limit.regions)
    )


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def visible_to(self, actor: Actor) -> Self:
        """The actor's own tokens; all for an operator."""
        return self if actor.operator and actor.narrowed is None else self.filter(user=actor.user_id)


class ApiToken(Scope):
    """A key for a program. The token itself is shown once; only its digest is kept.

    It does what its person may do at that moment, within its scope (read, push, manage) and its place.
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
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}"

    @staticmethod
    def digest_of(token: str) -> str:
        """Return what is stored of a token. 32 random bytes need no salt and no slow hash."""
        return hashlib.sha256(token.encode()).hexdigest()

    @staticmethod
    def new_secret() -> str:
        """Return a fresh token."""
        return "ecl_" + secrets.token_urlsafe(32)
