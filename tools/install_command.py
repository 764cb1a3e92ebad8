"""Make `mallbots` and the source roots known to the environment, without building a wheel."""

import stat
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = """#!{python}
import sys

try:
    from mallbots.__main__ import main

    sys.exit(main())
except KeyboardInterrupt:
    sys.exit(130)
"""

site_packages = Path(sysconfig.get_path("purelib"))
(site_packages / "mallbots.pth").write_text(f"{ROOT}\n{ROOT / 'platform'}\n")
command = Path(sys.executable).parent / "mallbots"
command.write_text(COMMAND.format(python=sys.executable))
command.chmod(command.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
