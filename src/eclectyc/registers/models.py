"""Registers with their reads and recorded resets; deliveries and dips of tanks.

A read counts while its batch is done, so undoing a batch, or one that failed, changes nothing here.
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
    USE = register_config.USE, "Measures consumption"
    CHECK = register_config.CHECK, "Check total: stored, not counted"
    MAXIMUM = register_config.MAXIMUM, "Maximum demand: stored, not counted"


class Register(models.Model):
    """One register of one device at a metering point, such as day or night.

    ``serial`` and ``code`` are as first written; the keys are the same however they are written. Without a serial, each
    read belongs to the device that the meter had at the time. ``unit`` is that of the display.
    """

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="registers")
    quantity = models.CharField(max_length=20, choices=Quantity.choices, default=Quantity.IMPORT)
    serial = models.CharField(max_length=64, blank=True)
    serial_key = models.CharField(max_length=64, blank=True)
    code = models.CharField(max_length=40, blank=True)
    code_key = models.CharField(max_length=40, blank=True)
    unit = models.CharField(max_length=16, default="kWh")
    kind = models.CharField(max_length=10, choices=RegisterKind.choices, default=RegisterKind.USE)
    digits = models.PositiveSmallIntegerField(null=True, blank=True)  # before the decimal point: where it rolls over
    tolerance_s = models.PositiveIntegerField(default=60)  # a read this near to a slot's edge counts as at the edge
    is_beside = models.BooleanField(default=False)  # its device counts beside the meter's other devices
    until = models.DateField(null=True, blank=True)  # the first day on which it is no longer read

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
        return " ".join(part for part in (self.serial, self.code) if part) or "main"


class OfRegisterQuerySet(models.QuerySet):
    def visible_to(self, actor: Actor, permission: str = "estate.view") -> Self:
        """Rows of registers of meters within the actor's reach."""
        return self.filter(within(actor.limits(permission), _of_registers_within))


class RegisterRead(models.Model):
    """A read of a register at a moment, from one batch. ``quality`` 0 withdraws the read of an earlier batch."""

    WITHDRAWN = 0

    register = models.ForeignKey(Register, on_delete=models.CASCADE, related_name="reads", db_index=False)
    batch = models.ForeignKey("intake.Batch", on_delete=models.PROTECT, related_name="register_reads")
    at_s = models.BigIntegerField()  # UTC [s since 1970]
    value = models.FloatField(null=True)  # as displayed
    quality = models.PositiveSmallIntegerField()  # kernel.quality: actual or estimated
    is_doubtful = models.BooleanField(default=False)  # it failed the source's own validation
    told = models.CharField(max_length=20, blank=True)  # the source's own term for the kind of read

    objects = OfRegisterQuerySet.as_manager()

    class Meta:
        app_label = "intake"
        indexes: ClassVar = [models.Index(fields=["register", "at_s"], name="reads_in_order")]


class ResetWindow(models.Model):
    """A span in which a register was reset: a fall across it is the reset, not a fault.

    ``last_read`` is its read just before, if known: without it, the use between the read before the window and the
    window's end is not known. ``first_read`` is what it was set to.
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
    """A delivery or a dip of a tank [litre], from one batch. ``quality`` 0 withdraws that of an earlier batch."""

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="tank_entries")
    batch = models.ForeignKey("intake.Batch", on_delete=models.PROTECT, related_name="tank_entries")
    at_s = models.BigIntegerField()  # UTC [s since 1970]
    kind = models.CharField(max_length=10, choices=TankKind.choices)
    litres = models.FloatField(null=True)
    quality = models.PositiveSmallIntegerField()
    reference = models.CharField(max_length=100, blank=True)  # a ticket number: for two deliveries at once

    objects = OfMeterQuerySet.as_manager()

    class Meta:
        app_label = "intake"
        indexes: ClassVar = [models.Index(fields=["meter", "at_s"], name="tank_in_order")]


def _of_registers_within(reach: Reach) -> models.Q:
    limits = {
        "register__meter__organisation__in": reach.organisations,
        "register__meter__site__region__in": reach.regions,
        "register__meter__site__in": reach.sites,
        "register__meter__in": reach.meters,
    }
    condition = models.Q()
    for name, values in limits.items():
        if values:
            condition |= models.Q(**{name: values})
    return condition or NOTHING
