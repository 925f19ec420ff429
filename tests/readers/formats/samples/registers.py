"""Registers and tanks: D0010, NEM13, a table of reads, a table of deliveries and dips; totals added up by hand."""

from __future__ import annotations

from tests.readers.formats.golden import ExpectedSeries, Golden

MPAN, OTHER = "1200023305967", "1000000000040"
NMI = "NEM1300001"

# A year's quarter of one register, day and night of another device, and its maximum demand: 743 hours in a March.
D0010 = f"""ZHV|0000475656|D0010002|D|UDMS|X|MRCY|20250402153151||||OPER|
026|{MPAN}|V|
028|F75A 00802|R|
030|S|20250301000000|56311.0|||T|N|
030|S|20250401000000|57054.0|||T|N|
026|{OTHER}|V|
028|S85D24767|C|
030|01|20250101000000|20231.0|||T|N|
030|02|20250101000000|64472.5|||T|N|
030|MD|20250101000000|64.2|20250101000000|3|T|N|
028|S85D24767|R|
030|01|20250201000000|20541.0|||T|N|
030|02|20250201000000|64627.5|||T|N|
030|MD|20250201000000|71.9|20250201000000|4|T|N|
ZPT|0000475656|13||2|20250402154650|
"""

# As the specification prints them, and as a public writer does: moments of 14 and of 12 digits.
NEM13 = f"""100,NEM13,202502010000,MDP1,RETAILER1
250,{NMI},E1E2,1,E1,N1,METSER123,E,4120.0,20250101000000,A,,,5120.0,20250201000000,A,,,1000,kWh,20250501,,
250,{NMI},E1E2,2,E2,N2,METSER123,E,300,202501010000,A,,,362,202502010000,S14,,,62,kWh,,,
900
"""

READS = f"""MPAN,Serial,Read date/time,Reading (kWh),Reading type
{MPAN},E10A 12345,01/03/2025 00:00,1000,A
{MPAN},E10A 12345,01/04/2025 00:00,1743,E
{MPAN},E10A 12345,03/04/2025 00:00,1791,A
"""

DELIVERIES = """meter,date,kind,litres,ticket
GEN1,01/03/2025,dip,500,
GEN1,05/03/2025,delivery,1000,T1
GEN1,05/03/2025,delivery,250,T2
GEN1,11/03/2025,dip,750,
"""

FILES = [
    Golden("reads.uff", "d0010", D0010.replace("\n", "\r\n").encode(), 8, {
        (MPAN, "import S"): ExpectedSeries("kWh", 1440, 31, 743.0),
        (OTHER, "import 01"): ExpectedSeries("kWh", 1440, 31, 310.0),
        (OTHER, "import 02"): ExpectedSeries("kWh", 1440, 31, 155.0),
        (OTHER, "import MD"): ExpectedSeries("kW", 1440, 0, 0.0),
    }),
    # Market time is ten hours ahead of London's winter: the reads of midnight are of 14:00 the day before.
    Golden("nem13.csv", "nem13", NEM13.encode(), 2, {
        (NMI, "import E1"): ExpectedSeries("kWh", 1440, 32, 1000.0),
        (NMI, "import E2"): ExpectedSeries("kWh", 1440, 32, 62.0),
    }),
    Golden("reads.csv", "registers", READS.encode(), 3, {(MPAN, "import"): ExpectedSeries("kWh", 1440, 33, 791.0)},
           {"type": "registers"}),
    Golden("deliveries.csv", "deliveries", DELIVERIES.encode(), 4,
           {("GEN1", "import"): ExpectedSeries("litre", 1440, 10, 1000.0)}),
]  # fmt: skip
