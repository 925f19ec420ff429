"""The sites and meters of the demo estate. Names and numbers are fictional; magnitudes follow CIBSE TM46. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from eclectyc.demo.load_models import Load
from eclectyc.kernel.identifiers import mpan_check_digit

ORGANISATION: Final = "Larkfield Group (demo)"
ESTIMATED_SUPPLIER: Final = "Northmoor Energy"


@dataclass(frozen=True)
class MeterPlan:
    """A meter, and the model of its readings.

    key : short name by which faults and other meters refer to it.
    load : its usage, apart from that of its sub-meters.
    kwp : size of the array of a solar generation meter [kWp].
    power_factor : if given, reactive import is metered too.
    exports_for : of an export meter, the key of the main meter whose surplus it measures.
    since_days : age of a temporary supply on the day the demo is created [days]; None if older than the readings.
    """

    key: str
    identifier: str
    name: str
    utility: str = "electricity"
    unit: str = "kWh"
    step: int = 30
    load: Load | None = None
    parent: str | None = None
    kwp: float | None = None
    exports_for: str | None = None
    power_factor: float | None = None
    since_days: int | None = None
    serial: str = ""
    supplier: str = ""


@dataclass(frozen=True)
class VirtualPlan:
    """A virtual meter, with a formula over the meters of its site."""

    identifier: str
    name: str
    formula: str


@dataclass(frozen=True)
class SitePlan:
    name: str
    region: str
    site_type: str
    floor_area_m2: float
    address: str
    postcode: str
    latitude: float
    longitude: float
    warmer_c: float
    meters: tuple[MeterPlan, ...] = field(default=())
    virtual: tuple[VirtualPlan, ...] = field(default=())


def mpan(distributor: int, number: int) -> str:
    """Return a well-formed MPAN core in a distributor's range.

    >>> mpan(12, 23305967 // 10)
    '1200023305967'
    """
    first = f"{distributor:02d}{number:010d}"
    return f"{first}{mpan_check_digit(first)}"


def _power(key: str, identifier: str, name: str, load: Load, **more: object) -> MeterPlan:
    return MeterPlan(key, identifier, name, load=load, supplier=ESTIMATED_SUPPLIER, **more)  # type: ignore[arg-type]


def _gas(key: str, mprn: str, load: Load, *, step: int = 30) -> MeterPlan:
    return MeterPlan(key, mprn, "Gas", "gas", "kWh", step, load, serial=f"E6S{mprn[-7:]}", supplier="Pennine Gas")


def _water(key: str, spid: str, load: Load, *, step: int = 30, since_days: int | None = None) -> MeterPlan:
    serial = f"23A{spid[3:9]}"
    return MeterPlan(
        key, spid, "Water", "water", "m3", step, load, since_days=since_days, serial=serial, supplier="Vale Water"
    )


def _submeter(key: str, identifier: str, name: str, parent: str, load: Load, utility: str = "electricity") -> MeterPlan:
    return MeterPlan(key, identifier, name, utility, load=load, parent=parent, serial=identifier)


# Shares of annual usage by part (see ``Load``).
_OFFICE: Final = {"base": 0.40, "people": 0.38, "lights": 0.14, "cooling": 0.08}
_CHILLERS: Final = {"base": 0.22, "people": 0.43, "cooling": 0.35}
_SERVERS: Final = {"base": 0.93, "cooling": 0.07}
_FLOORS: Final = {"base": 0.25, "people": 0.52, "lights": 0.23}
_BOILER: Final = {"base": 0.02, "people": 0.10, "heating": 0.88}
_TAPS: Final = {"base": 0.10, "people": 0.90}
_SCHOOL: Final = {"base": 0.38, "people": 0.40, "lights": 0.22}
_SCHOOL_WATER: Final = {"base": 0.14, "people": 0.86}
_HOSPITAL: Final = {"base": 0.52, "people": 0.34, "lights": 0.09, "cooling": 0.05}
_HOSPITAL_GAS: Final = {"base": 0.28, "heating": 0.72}
_HOSPITAL_WATER: Final = {"base": 0.35, "people": 0.65}
_POOL: Final = {"base": 0.55, "people": 0.38, "lights": 0.07}
_POOL_GAS: Final = {"base": 0.46, "heating": 0.54}
_POOL_WATER: Final = {"base": 0.2, "people": 0.8}
_WORKS: Final = {"base": 0.30, "people": 0.40, "lights": 0.30}
_FURNACE: Final = {"base": 0.05, "process": 0.95}
_COMPRESSORS: Final = {"base": 0.33, "people": 0.67}
_PAINT_SHOP: Final = {"base": 0.16, "process": 0.84}
_WORKS_GAS: Final = {"base": 0.04, "process": 0.52, "heating": 0.44}
_WORKS_WATER: Final = {"base": 0.12, "people": 0.88}
_WAREHOUSE: Final = {"base": 0.26, "people": 0.34, "lights": 0.40}
_SHOP: Final = {"base": 0.58, "people": 0.27, "lights": 0.09, "cooling": 0.06}
_BUILDING_SITE: Final = {"base": 0.24, "people": 0.62, "lights": 0.14}
_GENERATOR: Final = {"base": 0.08, "people": 0.92}


def estate() -> tuple[SitePlan, ...]:
    """Return the ten sites of the demo estate."""
    offices = (_larkfield_house(), _temple_quay(), _canal_wharf())
    public_buildings = (_school(), _hospital(), _leisure_centre())
    return (*offices, *public_buildings, _forge_works(), _distribution_centre(), _store(), _construction_site())


def _larkfield_house() -> SitePlan:
    main = mpan(12, 4718302)
    meters = (
        _power("larkfield", main, "Main incomer", Load(229_000, _OFFICE, yearly_change=-0.025)),
        _submeter(
            "larkfield-cooling",
            "LKF-S01",
            "Chillers and air handling",
            "larkfield",
            Load(148_000, _CHILLERS, noise=0.08),
        ),
        _submeter(
            "larkfield-servers",
            "LKF-S02",
            "Server room",
            "larkfield",
            Load(122_000, _SERVERS, noise=0.015, yearly_change=0.03),
        ),
        _submeter("larkfield-floors", "LKF-S03", "Floors 1 to 3", "larkfield", Load(88_000, _FLOORS, noise=0.07)),
        _gas("larkfield-gas", "7420016305", Load(610_000, _BOILER, noise=0.07)),
        _water("larkfield-water", "3012440718W16", Load(2_900, _TAPS, noise=0.2, digits=3)),
    )
    virtual = (VirtualPlan("LKF-V01", "Not sub-metered", f'{main} - "LKF-S01" - "LKF-S02" - "LKF-S03"'),)
    address = ("14 Larkfield Row, London", "EC1V 0ZZ", 51.524, -0.098)
    return SitePlan("Larkfield House", "London", "office", 6200, *address, 0.9, meters, virtual)


def _temple_quay() -> SitePlan:
    meters = (
        _power("temple", mpan(22, 91640257), "Main incomer", Load(298_000, _OFFICE, yearly_change=0.01)),
        _gas("temple-gas", "7630028814", Load(325_000, _BOILER, noise=0.07)),
        _water("temple-water", "3020618855W12", Load(1_450, _TAPS, noise=0.2, digits=3)),
    )
    address = ("2 Quay Court, Bristol", "BS1 0ZZ", 51.450, -2.586)
    return SitePlan("Temple Quay Court", "South West", "office", 3400, *address, 0.6, meters)


def _canal_wharf() -> SitePlan:
    heat = MeterPlan(
        "canal-heat",
        "CWH-HIU-01",
        "District heat",
        "heat",
        load=Load(455_000, _BOILER, noise=0.06),
        serial="HIU 40112",
        supplier="City Heat Network",
    )
    meters = (
        _power("canal", mpan(16, 30275518), "Main incomer", Load(402_000, _OFFICE, yearly_change=-0.01)),
        heat,
        _water("canal-water", "3044187726W15", Load(1_980, _TAPS, noise=0.2, digits=3)),
    )
    address = ("Canal Wharf, Manchester", "M1 0ZZ", 53.477, -2.231)
    return SitePlan("Canal Wharf", "North West", "office", 4800, *address, -0.5, meters)


def _school() -> SitePlan:
    main, export = mpan(19, 55012866), mpan(19, 55012867)
    meters = (
        _power("school", main, "Main incomer", Load(372_000, _SCHOOL, "school", -0.015)),
        MeterPlan("school-solar", "APS-PV-01", "Roof solar", "solar", kwp=110, serial="PV 88231"),
        MeterPlan("school-export", export, "Solar export", exports_for="school", supplier=ESTIMATED_SUPPLIER),
        _gas("school-gas", "7510047329", Load(1_120_000, _BOILER, "school", noise=0.07)),
        _water("school-water", "3051190243W13", Load(4_100, _SCHOOL_WATER, "school", 0, 0.2, 3)),
    )
    virtual = (VirtualPlan("APS-V01", "Site use", f'{main} + "APS-PV-01" - {export}'),)
    address = ("Park Lane, Uckfield", "TN22 0ZZ", 50.971, 0.098)
    return SitePlan("Ashdown Park School", "South East", "education", 7900, *address, 0.5, meters, virtual)


def _hospital() -> SitePlan:
    meters = (
        _power("hospital", mpan(23, 18830641), "Main incomer", Load(548_000, _HOSPITAL, "ward", noise=0.03)),
        _gas("hospital-gas", "7680055147", Load(2_180_000, _HOSPITAL_GAS, "ward", noise=0.06), step=1440),
        _water("hospital-water", "3060375521W17", Load(9_800, _HOSPITAL_WATER, "ward", 0, 0.12, 3)),
    )
    address = ("Moor Road, Skipton", "BD23 0ZZ", 53.962, -2.017)
    return SitePlan("Ravensmoor Hospital", "Yorkshire", "healthcare", 5600, *address, -1.1, meters)


def _leisure_centre() -> SitePlan:
    meters = (
        _power("pool", mpan(14, 62200914), "Main incomer", Load(512_000, _POOL, "pool", noise=0.03)),
        _gas("pool-gas", "7440061932", Load(2_050_000, _POOL_GAS, "pool", noise=0.05)),
        _water("pool-water", "3070982214W14", Load(11_500, _POOL_WATER, "pool", 0, 0.15, 3)),
    )
    address = ("Fernhill Way, Telford", "TF3 0ZZ", 52.676, -2.447)
    return SitePlan("Fernhill Leisure Centre", "West Midlands", "other", 2300, *address, 0.0, meters)


def _forge_works() -> SitePlan:
    main = mpan(14, 70036219)
    meters = (
        _power("works", main, "Main incomer", Load(620_000, _WORKS, "works"), power_factor=0.91),
        _submeter(
            "works-furnace", "BFW-S01", "Induction furnace", "works", Load(1_640_000, _FURNACE, "works", -0.02, 0.10)
        ),
        _submeter("works-air", "BFW-S02", "Compressed air", "works", Load(590_000, _COMPRESSORS, "works", 0.02, 0.06)),
        _submeter("works-paint", "BFW-S03", "Paint shop", "works", Load(410_000, _PAINT_SHOP, "works", 0, 0.09)),
        _gas("works-gas", "7450073568", Load(2_900_000, _WORKS_GAS, "works", noise=0.08)),
        _water("works-water", "3081457790W18", Load(6_400, _WORKS_WATER, "works", 0, 0.15, 2), step=1440),
    )
    virtual = (VirtualPlan("BFW-V01", "Not sub-metered", f'{main} - "BFW-S01" - "BFW-S02" - "BFW-S03"'),)
    address = ("Forge Road, Dudley", "DY2 0ZZ", 52.503, -2.083)
    return SitePlan("Brackley Forge Works", "West Midlands", "industrial", 11_500, *address, 0.0, meters, virtual)


def _distribution_centre() -> SitePlan:
    main = mpan(11, 84419035)
    meters = (
        _power("depot", main, "Main incomer", Load(395_000, _WAREHOUSE, "depot")),
        _submeter(
            "depot-ev", "KDC-EV-01", "Van charging", "depot", Load(96_000, {"people": 1.0}, "night", 0.35, 0.25), "ev"
        ),
        _gas("depot-gas", "7460088240", Load(690_000, {"heating": 1.0}, "depot", noise=0.08)),
    )
    virtual = (VirtualPlan("KDC-V01", "Building without vans", f'{main} - "KDC-EV-01"'),)
    address = ("Kestrel Way, Corby", "NN17 0ZZ", 52.507, -0.666)
    return SitePlan("Kestrel Distribution Centre", "East Midlands", "warehouse", 14_000, *address, 0.1, meters, virtual)


def _store() -> SitePlan:
    meters = (
        _power("shop", mpan(13, 27718460), "Main incomer", Load(418_000, _SHOP, "shop", noise=0.04)),
        _water("shop-water", "3093320166W11", Load(620, _TAPS, "shop", 0, 0.25, 3)),
    )
    address = ("Harbour Lane, Liverpool", "L3 0ZZ", 53.404, -2.993)
    return SitePlan("Harbour Lane Store", "North West", "retail", 1850, *address, 0.0, meters)


def _construction_site() -> SitePlan:
    supply = Load(310_000, _BUILDING_SITE, "building site", 0, 0.12)
    diesel = Load(38_000, _GENERATOR, "building site", 0, 0.20, 0)
    water = Load(2_300, _TAPS, "building site", 0, 0.3, 3)
    meters = (
        _power("quayside", mpan(22, 91770482), "Temporary building supply", supply, since_days=470),
        MeterPlan(
            "quayside-diesel",
            "QP2-GEN-01",
            "Generator diesel",
            "diesel",
            "litre",
            1440,
            diesel,
            serial="GEN 250 kVA",
            since_days=560,
        ),
        _water("quayside-water", "3098876431W19", water, step=1440, since_days=560),
    )
    address = ("Wharf Road, Bristol", "BS2 0ZZ", 51.449, -2.570)
    return SitePlan("Quayside Phase 2", "South West", "construction", 9600, *address, 0.6, meters)
