"""With Django's defaults about a third of these transactions fail with "database is locked"."""

import subprocess
import sys

from tests.forked import Forked
from tests.serving import Installation, plain_environment

PROCESSES, EACH = 4, 200
WORK = f"""
import sys
from eclectyc.cli.session import ready
ready()
from django.db import transaction
from eclectyc.accounts.models import Organisation
from eclectyc.estate.models import Region
owner = Organisation.objects.get()
for number in range({EACH}):
    with transaction.atomic():
        seen = Region.objects.count()
        Region.objects.create(organisation=owner, name=f"{{sys.argv[1]}}-{{number}}")
"""


def test_small_transactions_of_many_processes_never_find_the_database_locked(tmp_path):
    installation = Installation(tmp_path, plain_environment(tmp_path))
    assert installation.run("migrate").returncode == 0
    workers = [
        Forked([sys.executable, "-c", WORK, str(number)], env=installation.environment, stderr=subprocess.PIPE)
        for number in range(PROCESSES)
    ]
    said = [worker.communicate(timeout=120)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * PROCESSES, said
    counted = installation.run("manage", "shell", "-v", "0", "-c",
                               "from eclectyc.estate.models import Region; print(Region.objects.count())")  # fmt: skip
    assert counted.stdout.strip() == str(PROCESSES * EACH)
