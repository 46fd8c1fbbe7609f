"""`python -m docs.site FOLDER` builds the site into a folder."""

import sys
from pathlib import Path

from docs.site.build import BuildError, build
from docs.site.check import BrokenSiteError

if len(sys.argv) != 2:
    sys.exit("usage: python -m docs.site FOLDER")
try:
    build(Path(sys.argv[1]))
except (BuildError, BrokenSiteError) as error:
    sys.exit(str(error))
sys.stdout.write(f"The site is in {sys.argv[1]}; open index.html there.\n")
