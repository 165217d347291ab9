"""Compile every file of this project and import every module; those that need torch are skipped where it is not installed."""

import importlib
import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
without_torch = importlib.util.find_spec("torch") is None
files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "pipelines").glob("*.py"), *(ROOT / "tests").rglob("*.py")]
for file in files:
    compile(file.read_text(encoding="utf-8"), file, "exec", dont_inherit=True)
imported, skipped = 0, 0
for file in sorted((ROOT / "src").rglob("*.py")):
    parts = file.relative_to(ROOT / "src").with_suffix("").parts
    if parts[-1] == "__main__":
        continue
    try:
        importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
        imported += 1
    except ModuleNotFoundError as missing:
        if not without_torch or missing.name.partition(".")[0] not in ("torch", "pytorch_lightning", "torchmetrics"):
            raise
        skipped += 1
said = f"; {skipped} skipped, for they need torch, which is not installed" if skipped else ""
print(f"{sys.version.split()[0]}: {len(files)} files compile, {imported} modules import{said}")
