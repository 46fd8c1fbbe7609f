"""Models that are carried from one installation to another in one file."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from app.core.archive import ArchiveError
from app.db.engine import Database
from app.db.tables import installation
from app.registry import archive, repository
from app.registry.errors import (
    ModelDamagedError,
    ModelExistsError,
    ModelNotFoundError,
    ModelRefusedError,
)
from app.registry.removal import remove
from app.registry.repository import REFUSED
from app.registry.schemas import Outcome
from app.registry.service import find_active, find_damage, find_model, list_models, publish
from app.registry.transfer import TransferError, export_model, import_model, write_export
from app.store.folder import ModelStore
from model import artifact
from tests.app.small_releases import contents
from tests.app.world import TRAINED, make_rbm
from tests.killing import die, run_until_killed
from tests.model.machines import with_everything

VERSION = "20261120T101500Z-3f2a"


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def sent(tmp_path: Path) -> bytes:
    """The archive of a model, as another installation has written it."""
    folder = tmp_path / "elsewhere" / VERSION
    sha256 = artifact.save(folder, make_rbm(3), TRAINED, {artifact.REPORT: "<p>Report</p>"})
    return b"".join(archive.pack(folder, sha256).chunks)


def take(database: Database, models_dir: Path, sent: bytes, **options: Any) -> Any:
    return import_model(database, ModelStore(models_dir), io.BytesIO(sent), **options)


def folders(models_dir: Path) -> list[str]:
    return sorted(path.name for path in models_dir.iterdir() if path.is_dir())


def test_a_model_arrives_as_it_was_sent_but_is_not_served(
    database: Database, models_dir: Path, sent: bytes
) -> None:
    imported = take(database, models_dir, sent)
    assert (imported.version, imported.outcome, imported.active) == (VERSION, "imported", False)
    model = find_model(database, VERSION)
    loaded = artifact.load(models_dir / VERSION)
    assert (loaded.rbm.W == make_rbm(3).W).all()
    assert model.card == loaded.card
    assert (model.state, model.trained_here) == ("published", False)
    assert (models_dir / VERSION / artifact.REPORT).read_text() == "<p>Report</p>"
    assert find_active(database).version is None
    assert folders(models_dir) == [VERSION]


def test_it_is_served_at_once_when_asked_for(
    database: Database, models_dir: Path, sent: bytes
) -> None:
    assert take(database, models_dir, sent, activate=True).active
    assert find_active(database).version == VERSION


def test_an_archive_is_a_tar_of_the_length_that_was_announced_and_the_same_each_time(
    database: Database, models_dir: Path, sent: bytes
) -> None:
    take(database, models_dir, sent)
    export = export_model(database, ModelStore(models_dir), VERSION)
    again = b"".join(export.chunks)
    assert len(again) == export.length
    assert again == b"".join(export_model(database, ModelStore(models_dir), VERSION).chunks)
    with tarfile.open(fileobj=io.BytesIO(again)) as tar:
        names = {name.removeprefix(f"{VERSION}/") for name in tar.getnames()}
        line = tar.extractfile(f"{VERSION}/SHA256")
        card = tar.extractfile(f"{VERSION}/card.json")
        assert line is not None
        assert card is not None
        assert line.read().decode().split()[0] == hashlib.sha256(card.read()).hexdigest()
    assert names == {"SHA256", "card.json", "report.html", *(f"{n}.npy" for n in artifact.DTYPES)}


def test_a_model_that_is_here_already_stays_as_it_is(
    database: Database, models_dir: Path, sent: bytes
) -> None:
    take(database, models_dir, sent)
    before = contents(database)
    assert take(database, models_dir, sent).outcome is Outcome.UNCHANGED
    assert contents(database) == before
    assert folders(models_dir) == [VERSION]


@pytest.mark.parametrize("name", ["W.npy", "report.html", "card.json"])
def test_the_files_of_a_model_that_is_here_are_repaired(
    database: Database, models_dir: Path, sent: bytes, name: str
) -> None:
    take(database, models_dir, sent)
    (models_dir / VERSION / name).write_bytes(b"?")
    assert take(database, models_dir, sent).outcome is Outcome.REPAIRED
    assert find_damage(database, ModelStore(models_dir), VERSION) is None
    assert folders(models_dir) == [VERSION]


def test_another_model_of_the_same_version_is_refused(
    database: Database, models_dir: Path, sent: bytes, tmp_path: Path
) -> None:
    folder = tmp_path / "third" / VERSION
    sha256 = artifact.save(folder, make_rbm(4), TRAINED)
    take(database, models_dir, b"".join(archive.pack(folder, sha256).chunks))
    with pytest.raises(ModelExistsError):
        take(database, models_dir, sent)
    assert (artifact.load(models_dir / VERSION).rbm.W == make_rbm(4).W).all()
    assert folders(models_dir) == [VERSION]


def test_a_model_is_known_as_trained_here_by_its_salt(database: Database, models_dir: Path) -> None:
    with database.read() as connection:
        salt = connection.execute(select(installation.c.holdout_salt)).scalar_one()
    ours = publish(database, ModelStore(models_dir), make_rbm(1), {"holdout": {"salt": salt}})
    assert find_model(database, ours).trained_here


def test_a_refused_model_stays_refused_elsewhere(database: Database, models_dir: Path) -> None:
    card = {**TRAINED, "gate": {"passed": False, "reasons": ["worse"], "published_anyway": False}}
    version = publish(
        database, ModelStore(models_dir), make_rbm(1), card, state=REFUSED, activate=False
    )
    sent = b"".join(export_model(database, ModelStore(models_dir), version).chunks)
    remove(database, ModelStore(models_dir), version)
    with pytest.raises(ModelRefusedError):
        take(database, models_dir, sent, activate=True)
    assert find_model(database, version).state == REFUSED


# What is no archive of a model


@pytest.fixture
def lone_database(migrated_sqlite_file: Path, tmp_path: Path) -> Iterator[Database]:
    """One kind is enough for what never gets as far as the database."""
    path = tmp_path / "lone.db"
    path.write_bytes(migrated_sqlite_file.read_bytes())
    database = Database(f"sqlite:///{path}")
    yield database
    database.dispose()


def tar_of(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """Write any tar; `kind` and `link` are those of the last member."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for number, (name, content) in enumerate(members, start=1):
            entry = tarfile.TarInfo(name)
            if number == len(members):
                entry.type, entry.linkname = kind, link
            entry.size = len(content) if entry.type == tarfile.REGTYPE else 0
            tar.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def members_of(sent: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(sent)) as tar:
        files = {entry.name: tar.extractfile(entry) for entry in tar}
        return {name: file.read() for name, file in files.items() if file is not None}


def with_card(sent: bytes, change: Callable[[dict], None]) -> bytes:
    """Change the card, and every checksum that has to follow."""
    members = members_of(sent)
    card = json.loads(members[f"{VERSION}/card.json"])
    change(card)
    for name, content in members.items():
        file = name.rpartition("/")[2]
        if file in card.get("files", {}):
            card["files"][file] = hashlib.sha256(content).hexdigest()
    content = json.dumps(card).encode()
    members[f"{VERSION}/card.json"] = content
    line = f"{hashlib.sha256(content).hexdigest()}  card.json\n"
    members[f"{VERSION}/SHA256"] = line.encode()
    return tar_of(*members.items())


def nested(n_levels: int) -> list:
    value: list = []
    for _ in range(n_levels):
        value = [value]
    return value


def with_array(sent: bytes, name: str, array: np.ndarray) -> bytes:
    """Change an array, and every checksum that has to follow."""
    members = members_of(sent)
    file = io.BytesIO()
    np.save(file, array)
    members[f"{VERSION}/{name}.npy"] = file.getvalue()
    return with_card(tar_of(*members.items()), lambda _: None)


def refuse(database: Database, models_dir: Path, sent: bytes, match: str) -> None:
    before = contents(database)
    with pytest.raises(ArchiveError, match=match):
        take(database, models_dir, sent)
    assert contents(database) == before
    assert folders(models_dir) == []


@pytest.mark.parametrize("share", [0, 0.0001, 0.2, 0.5, 0.9])
def test_an_archive_that_is_cut_off_is_refused(
    lone_database: Database, models_dir: Path, sent: bytes, share: float
) -> None:
    refuse(lone_database, models_dir, sent[: int(share * len(sent))], "cut off")


def test_a_changed_byte_in_any_file_is_found(
    lone_database: Database, models_dir: Path, sent: bytes
) -> None:
    for content in members_of(sent).values():
        place = sent.index(content) + len(content) // 2
        changed = sent[:place] + bytes([sent[place] ^ 1]) + sent[place + 1 :]
        refuse(lone_database, models_dir, changed, "damaged|checksum")


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04" + bytes(600), b"x" * 5000, bytes(1024), b"{}" + bytes(511)]
)
def test_what_is_no_tar_is_refused(
    lone_database: Database, models_dir: Path, content: bytes
) -> None:
    refuse(lone_database, models_dir, content, "no tar|no archive of a model|cut off")


@pytest.mark.parametrize(
    "name",
    [
        "../evil", "/etc/passwd", f"{VERSION}/../evil", f"../{VERSION}/evil", f"{VERSION}/.hidden",
        f"{VERSION}/a/b", f"{VERSION}", "20200101T000000Z-0000/extra.npy", f"{VERSION}/extra.npy",
        f"{VERSION}/W.npy", f"{VERSION}/card.json", f"{VERSION}/\u202eevil",
    ],
)  # fmt: skip
def test_no_other_file_gets_in(
    lone_database: Database, models_dir: Path, sent: bytes, name: str
) -> None:
    extended = tar_of(*members_of(sent).items(), (name, b"evil"))
    refuse(lone_database, models_dir, extended, "no file of a model|not one of the model's files")
    assert not list(models_dir.parent.rglob("*evil*"))


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE,
        tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE,
    ],
)  # fmt: skip
def test_nothing_but_plain_files_gets_in(
    lone_database: Database, models_dir: Path, sent: bytes, kind: bytes
) -> None:
    (*others, (name, _)) = members_of(sent).items()
    changed = tar_of(*others, (name, b""), kind=kind, link="/etc/passwd")
    refuse(lone_database, models_dir, changed, "no plain file")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda card: card.update(format=99), r"card\.json has format 99, this version reads"),
        (lambda card: card.pop("files"), "no card of a model"),
        (lambda card: card.update(files=[]), "no card of a model"),
        (lambda card: card["files"].update({f"{i}.npy": "" for i in range(50)}), "no card"),
        (lambda card: card["files"].update({"../evil": "0" * 64}), "no card of a model"),
        (lambda card: card["files"].update({"other": "0" * 64}), "ends before other"),
        (lambda card: card["files"].update({"other": "\u202e"}), "no card of a model"),
        (lambda card: card.update(note="\0"), "no card of a model"),
        (lambda card: card.update(note="\ud800"), "no card of a model"),
        (lambda card: card.update(note=float("inf")), "no card of a model"),
        (lambda card: card.pop("machine"), "lacks machine"),
        (lambda card: card["machine"].pop("calibration"), "not hold a whole model"),
        (lambda card: card["machine"].update(n_hidden=7), "has shape"),
        (lambda card: card.update(results=5), "not hold a whole model"),
        (lambda card: card.update(dataset={"name": ["x"]}), "not hold a whole model"),
        (lambda card: card.update(gate=[]), "not hold a whole model"),
        *((lambda card, mean=mean: card["machine"].update(mean_ratings=mean), "mean_ratings")
          for mean in (0, -5, "7", None, True, 1e308, 1e-320, 5e-324)),
        *((lambda card, n=n: card["data"].update(n_ratings=n), "n_ratings|no card of a model")
          for n in (-1, 2**63, 10**400, "7")),
        *((lambda card, n=n: card["machine"].update(n_hidden=n), "n_hidden")
          for n in (0, -1, 2**31, "5", True)),
        (lambda card: card["machine"].update(n_movies=0), "n_movies"),
        (lambda card: card.update(note=2**63), "no card of a model"),
        (lambda card: card.update(note=nested(40)), "no card of a model"),
        (lambda card: card["machine"]["calibration"].update(hidden="x"), "calibration"),
        (lambda card: card["machine"]["calibration"].update(shift=1e30), "calibration"),
        (lambda card: card["machine"].update(classic=0), "classic"),
        (lambda card: card.update(data=[]), "data"),
        (lambda card: card.pop("data"), "data"),
        (lambda card: card.update(holdout=None), "holdout"),
        (lambda card: card.pop("configuration"), "configuration"),
        (lambda card: card.pop("created_at"), "created_at"),
        (lambda card: card.update(created_at="2026-11-20T10:15:00"), "created_at"),
    ],
)  # fmt: skip
def test_a_card_that_cannot_be_used_is_refused(
    lone_database: Database, models_dir: Path, sent: bytes, change: Any, match: str
) -> None:
    refuse(lone_database, models_dir, with_card(sent, change), match)


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        ("b", np.full(5, np.nan, np.float32), "its parameter b is not finite"),
        ("b", np.full(5, 1e30, np.float32), "its parameter b is larger than 1,000"),
        ("b", np.zeros(5, np.float64), "holds float64"),
        ("b", np.array([{}] * 5, dtype=object), "not hold a whole model"),
        ("b", np.zeros((5, 0), np.float32), "has shape"),
        ("a", np.asfortranarray(np.zeros((36, 2), np.float32)), "in column order"),
        ("movie_ids", np.zeros(36, np.int64), "no movie ids"),
        ("movie_ids", np.arange(36, dtype=np.int64) + 2**31, "no movie ids"),
    ],
)
def test_arrays_that_cannot_be_served_are_refused(
    lone_database: Database, models_dir: Path, sent: bytes, name: str, array: Any, match: str
) -> None:
    refuse(lone_database, models_dir, with_array(sent, name, array), match)


@pytest.fixture
def sent_whole(tmp_path: Path) -> bytes:
    """The archive of a model with a prior and couplings."""
    folder = tmp_path / "elsewhere" / VERSION
    sha256 = artifact.save(folder, with_everything(3), TRAINED)
    return b"".join(archive.pack(folder, sha256).chunks)


def test_a_model_with_prior_and_couplings_arrives_as_it_was_sent(
    lone_database: Database, models_dir: Path, sent_whole: bytes
) -> None:
    assert take(lone_database, models_dir, sent_whole).version == VERSION
    arrived = artifact.load_whole(models_dir / VERSION).rbm
    given = np.array([2, 5]), np.array([True, False])
    for one, other in zip(
        arrived.score_user(*given), with_everything(3).score_user(*given), strict=True
    ):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("prior.up", lambda array: array * np.nan, "its parameter prior.up is not finite"),
        ("prior.rates", lambda array: array + 1e30, "its parameter prior.rates"),
        ("prior.strength", lambda array: -array, "prior.strength is negative"),
        ("prior.mean", lambda array: array[1:], "has shape"),
        ("couplings.indptr", lambda array: array[::-1], "couplings.indptr"),
        ("couplings.indptr", lambda array: array * 2**40, "couplings.indptr"),
        ("couplings.indices", lambda array: array + 1, "couplings.indices is beyond the movies"),
        ("couplings.indices", lambda array: array - 1, "couplings.indices is beyond the movies"),
        ("couplings.indices", lambda array: array.astype(np.int64), "holds int64"),
        ("couplings.indices", lambda array: array * 0, "does not rise within a row"),
        ("couplings.indices", lambda array: array[::-1].copy(), "does not rise within a row"),
        ("couplings.values", lambda array: array * np.inf, "couplings.values is not finite"),
    ],
)
def test_a_prior_or_couplings_that_cannot_be_served_are_refused(
    lone_database: Database,
    models_dir: Path,
    sent_whole: bytes,
    name: str,
    change: Callable[[np.ndarray], np.ndarray],
    match: str,
) -> None:
    array = np.load(io.BytesIO(members_of(sent_whole)[f"{VERSION}/{name}.npy"]))
    refuse(lone_database, models_dir, with_array(sent_whole, name, change(array)), match)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda machine: machine["prior"].update(length=0), "length"),
        (lambda machine: machine["prior"].update(length="5"), "length"),
        (lambda machine: machine["prior"].pop("size"), "not hold a whole model"),
        (lambda machine: machine["prior"].update(size=-1), r"prior\.size"),
        (lambda machine: machine["prior"].update(size=2**60), r"prior\.size"),
        (lambda machine: machine["prior"].update(size=True), r"prior\.size"),
        (lambda machine: machine["couplings"].update(strength=0), r"couplings\.strength"),
        (lambda machine: machine.update(prior=[]), "not hold a whole model"),
        (lambda machine: machine["couplings"].update(strength=float("1e999")), "no card"),
        (lambda machine: machine["couplings"].update(l2=None), "l2"),
        (lambda machine: machine["calibration"].update(length=1e30), "calibration"),
    ],
)
def test_a_card_that_does_not_describe_prior_and_couplings_is_refused(
    lone_database: Database, models_dir: Path, sent_whole: bytes, change: Any, match: str
) -> None:
    changed = with_card(sent_whole, lambda card: change(card["machine"]))
    refuse(lone_database, models_dir, changed, match)


def test_what_is_damaged_or_not_there_is_not_exported(
    database: Database, models_dir: Path, sent: bytes
) -> None:
    with pytest.raises(ModelNotFoundError):
        export_model(database, ModelStore(models_dir), VERSION)
    take(database, models_dir, sent)
    (models_dir / VERSION / artifact.REPORT).write_text("changed")
    with pytest.raises(ModelDamagedError, match=r"report\.html is damaged"):
        export_model(database, ModelStore(models_dir), VERSION)


def test_a_model_can_be_removed_while_it_is_sent(
    database: Database, models_dir: Path, sent: bytes
) -> None:
    take(database, models_dir, sent)
    export = export_model(database, ModelStore(models_dir), VERSION)
    remove(database, ModelStore(models_dir), VERSION)
    assert len(b"".join(export.chunks)) == export.length
    assert list_models(database) == []


def test_an_export_never_replaces_a_file_and_leaves_nothing_half_written(
    database: Database, models_dir: Path, sent: bytes, tmp_path: Path
) -> None:
    take(database, models_dir, sent)
    target = tmp_path / "model.tar"
    assert write_export(database, ModelStore(models_dir), VERSION, target) == target
    with pytest.raises(TransferError, match="exists already"):
        write_export(database, ModelStore(models_dir), VERSION, target)
    with pytest.raises(TransferError, match="No such file"):
        write_export(database, ModelStore(models_dir), VERSION, tmp_path / "nowhere" / "model.tar")
    assert (
        write_export(database, ModelStore(models_dir), VERSION, models_dir.parent).name
        == f"{VERSION}.tar"
    )
    assert not list(tmp_path.glob(".*unfinished*"))


STEPS = {
    "files": (archive, "_parse_card"),
    "name": (ModelStore, "put"),
    "row": (repository, "add"),
}


def import_until(url: str, models_dir: Path, sent: bytes, step: str) -> None:
    setattr(*STEPS[step], die)
    take(Database(url), models_dir, sent)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("step", STEPS)
def test_an_import_that_is_killed_registers_nothing_and_succeeds_the_next_time(
    database: Database, models_dir: Path, sent: bytes, step: str
) -> None:
    url = database.url.render_as_string(hide_password=False)
    run_until_killed(import_until, url, models_dir, sent, step)
    assert list_models(database) == []
    assert take(database, models_dir, sent).outcome is Outcome.IMPORTED
    assert find_damage(database, ModelStore(models_dir), VERSION) is None
    assert folders(models_dir) == [VERSION]
