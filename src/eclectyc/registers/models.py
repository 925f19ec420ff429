"""Registers, their reads, declared resets; and what goes into a tank and is left in it.

A read stands while its batch is done: taking a batch back, or a batch that never came about, needs no change here.
"""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.reach import Reach
from eclectyc.estate.history_models import OfMeterQuerySet
from eclectyc.estate.models import Meter, Quantity
from eclectyc.estate.reach import NOTHING, within
from eclectyc.registers import register_config


class RegisterKind(models.TextChoices):
    """What a register's reads are for."""

    USE = register_config.USE, "Counts the use"
    CHECK = register_config.CHECK, "A total beside the others: kept, not counted"
    MAXIMUM = register_config.MAXIMUM, "Maximum demand: kept, never differenced"


class Register(models.Model):
    """One register of one device at a metering point: what is kept apart, such as day and night.

    ``serial`` and ``code`` are as first printed; the keys are what two prints of one thing have in common. Without a
    serial the register is of whichever device the meter had at the time. ``unit`` is what its display counts in.
    """

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="registers")
    quantity = models.CharField(max_length=20, choices=Quantity.choices, default=Quantity.IMPORT)
    serial = models.CharField(max_length=64, blank=True)
    serial_key = models.CharField(max_length=64, blank=True)
    code = models.CharField(max_length=40, blank=True)
    code_key = models.CharField(max_length=40, blank=True)
    unit = models.CharField(max_length=16, default="kWh")
    kind = models.CharField(max_length=10, choices=RegisterKind.choices, default=RegisterKind.USE)
    digits = models.PositiveSmallIntegerField(null=True, blank=True)  # before the point: where it rolls over
    tolerance_s = models.PositiveIntegerField(default=60)  # a read this near to a slot's edge is of that edge
    is_beside = models.BooleanField(default=False)  # its device counts beside the meter's other devices
    until = models.DateField(null=True, blank=True)  # the first day on which nobody reads it any more

    objects = OfMeterQuerySet.as_manager()

    class Meta:
        app_label = "intake"
        ordering: ClassVar = ["serial_key", "code_key", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["meter", "quantity", "serial_key", "code_key", "unit"], name="one_register_per_key"
            )
        ]

    def __str__(self) -> str:
        return " ".join(part for part in (self.serial, self.code) if part) or "the only register"


class OfRegisterQuerySet(models.QuerySet):
    def visible_to(self, actor: Actor, permission: str = "estate.view") -> Self:
        """What belongs to registers of meters within the actor's reach."""
        return self.filter(within(actor.limits(permission), _of_registers_within))


class RegisterRead(models.Model):
    """What one batch says that a register showed at a moment. ``quality`` 0 takes an earlier batch's read back."""

    TAKEN_BACK = 0

    register = models.ForeignKey(Register, on_delete=models.CASCADE, related_name="reads", db_index=False)
    batch = models.ForeignKey("intake.Batch", on_delete=models.PROTECT, related_name="register_reads")
    at_s = models.BigIntegerField()  # UTC [s since 1970]
    value = models.FloatField(null=True)  # as displayed
    quality = models.PositiveSmallIntegerField()  # kernel.quality: actual or estimated
    is_doubtful = models.BooleanField(default=False)  # the source itself says that it failed validation
    told = models.CharField(max_length=20, blank=True)  # the source's own word for the kind of read

    objects = OfRegisterQuerySet.as_manager()

    class Meta:
        app_label = "intake"
        indexes: ClassVar = [models.Index(fields=["register", "at_s"], name="reads_in_order")]


class ResetWindow(models.Model):
    """A span in which a register was set back: a fall across it is the reset, not a fault.

    ``last_read`` is what it showed just before, where anybody knows: without it the use between the read before the
    window and its end is not known. ``first_read`` is what it was set to.
    """

    register = models.ForeignKey(Register, on_delete=models.CASCADE, related_name="resets")
    since = models.DateTimeField()
    until = models.DateTimeField()
    last_read = models.FloatField(null=True, blank=True)
    first_read = models.FloatField(default=0)

    objects = OfRegisterQuerySet.as_manager()

    class Meta:
        app_label = "intake"
        ordering: ClassVar = ["since", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(until__gte=models.F("since")), name="reset_ends_after_start")
        ]


class TankKind(models.TextChoices):
    DELIVERY = "delivery", "Delivery"
    DIP = "dip", "Dip"


class TankEntry(models.Model):
    """What one batch says went into a tank at a moment, or was left in it [litre]. ``quality`` 0 takes it back."""

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="tank_entries")
    batch = models.ForeignKey("intake.Batch", on_delete=models.PROTECT, related_name="tank_entries")
    at_s = models.BigIntegerField()  # UTC [s since 1970]
    kind = models.CharField(max_length=10, choices=TankKind.choices)
    litres = models.FloatField(null=True)
    quality = models.PositiveSmallIntegerField()
    reference = models.CharField(max_length=100, blank=True)  # the ticket's number: two deliveries at one moment

    objects = OfMeterQuerySet.as_manager()

    class Meta:
        app_label = "intake"
        indexes: ClassVar = [models.Index(fields=["meter", "at_s"], name="tank_in_order")]


def _of_registers_within(reach: Reach) -> models.Q:
    """What belongs to registers of meters within reach."""
    limits = {
        "register__meter__organisation__in": reach.organisations,
        "register__meter__site__region__in": reach.regions,
        "register__meter__site__in": reach.sites,
        "register__meter__in": reach.meters,
    }
    wanted = models.Q()
    for name, values in limits.items():
        if values:
            wanted |= models.Q(**{name: values})
    return wanted or NOTHING
