"""The images as `make image-test` builds and runs them, with Docker or what speaks like it."""

import json
import time
import urllib.error
import urllib.request

import pytest

from tests.app.service_process import free_port
from tests.image.engine import Engine

pytestmark = pytest.mark.slow

# What the service adds to its base: its packages, and the bytecode of the standard library.
MAX_SERVICE_BYTES = 200 * 10**6
TRAINING_ONLY = ("pandas", "scipy", "numba", "pyarrow", "optuna")
# As compose.yaml runs them.
GUARDED = (
    "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",  # noqa: S108 (inside the container)
    "--security-opt", "no-new-privileges",
)  # fmt: skip
DATA = "/var/lib/recommender"
WAIT_S = 60


def python(engine: Engine, image: str, code: str) -> str:
    return engine.run(
        "--rm", *GUARDED, "--entrypoint", "python", image=image, command=("-c", code)
    )  # fmt: skip


def test_the_service_image_is_small_and_says_what_it_is(engine: Engine, service_image: str) -> None:
    image = engine.inspect(service_image)
    own = image["Size"] - engine.size_of_the_base()
    assert 0 < own < MAX_SERVICE_BYTES, own
    labels = image["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "Recommender"
    assert labels["org.opencontainers.image.licenses"] == "MIT"
    assert labels["org.opencontainers.image.base.name"] == engine.base
    assert labels["org.opencontainers.image.revision"] == engine.revision
    assert image["Config"]["User"] == "10001:10001"
    assert image["Config"]["Entrypoint"] == ["recommender"]
    assert image["Config"]["Cmd"] == ["serve"]


def test_only_the_training_image_holds_what_training_needs(
    engine: Engine, service_image: str, training_image: str
) -> None:
    code = (
        f"from importlib.util import find_spec; print([n for n in {TRAINING_ONLY} if find_spec(n)])"
    )
    assert python(engine, service_image, code) == "[]"
    assert python(engine, training_image, code) == str(list(TRAINING_ONLY))


def test_an_image_holds_the_extras_that_its_build_names(engine: Engine) -> None:
    image = engine.build("service", "--build-arg", "EXTRAS=s3 otel", tag="extras")
    code = "import s3fs, opentelemetry.sdk; print('there')"
    assert python(engine, image, code) == "there"


def test_no_secret_that_lies_between_the_sources_gets_into_an_image(
    engine: Engine, service_image: str
) -> None:
    code = """if True:
        import pathlib, app
        paths = pathlib.Path(app.__file__).parent.rglob('*')
        kinds = {path.suffix for path in paths if path.is_file()}
        print(sorted(kinds - {'.py', '.pyc', '.css', '.js', '.svg', '.html', '.j2', '.txt', ''}))"""
    assert python(engine, service_image, code) == "[]"


def test_nothing_of_the_image_can_be_written_by_its_account(
    engine: Engine, service_image: str
) -> None:
    code = (
        "import os; print(os.getuid(), os.getgid(),"
        " [f for f in ('/', '/opt/recommender', '/usr', '/etc', os.environ['HOME'])"
        " if os.access(f, os.W_OK)])"
    )
    assert python(engine, service_image, code) == "10001 10001 []"


def test_a_start_compiles_nothing(engine: Engine, service_image: str) -> None:
    code = """if True:
        import os, sys
        import app.main
        specs = [getattr(module, '__spec__', None) for module in sys.modules.values()]
        compiled = [spec.cached for spec in specs if spec and spec.has_location and spec.cached]
        print(len(compiled) > 500, [path for path in compiled if not os.path.exists(path)])"""
    assert python(engine, service_image, code) == "True []"


def test_without_a_key_the_container_is_not_open_to_the_network(
    engine: Engine, service_image: str, volume: str, container: str
) -> None:
    run = ("--volume", f"{volume}:{DATA}", *GUARDED)
    engine.run("--rm", *run, image=service_image, command=("db", "upgrade"))
    engine.run("--detach", "--name", container, *run, image=service_image)
    engine("wait", container)
    assert engine.inspect(container)["State"]["ExitCode"] == 2
    assert "refusing to serve on 0.0.0.0" in engine.output(container)


def test_a_container_serves_a_model_that_another_has_trained_and_is_healthy(
    engine: Engine, service_image: str, training_image: str, volume: str, container: str
) -> None:
    run = ("--volume", f"{volume}:{DATA}", *GUARDED)
    trained = engine.run(
        "--rm", *run, image=training_image, command=("prepare", "--dataset", "sample")
    )
    assert "NDCG@100" in trained
    port = free_port()
    engine.run(
        "--detach", "--name", container, *run, "--publish", f"127.0.0.1:{port}:{port}",
        "--env", f"RECOMMENDER_PORT={port}", "--env", "RECOMMENDER_WORKERS=2",
        "--env", f"RECOMMENDER_BOOTSTRAP_ADMIN_KEY_FILE={DATA}/keys/admin",
        image=service_image,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    _wait_until_ready(engine, container, address)
    assert _is_healthy(engine, container)
    key = engine("exec", container, "cat", f"{DATA}/keys/admin")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        _get(f"{address}/recommendations/1", "")
    answer = json.loads(_get(f"{address}/recommendations/1", key))
    assert answer["source"] == "rbm"
    assert len(answer["items"]) == 20
    # What runs is not the account of the build, and cannot write where it lives.
    status = engine("exec", container, "cat", "/proc/1/status")
    assert "Uid:\t10001\t10001" in status
    written = engine(
        "exec", container, "sh", "-c", "touch /opt/recommender/x 2>&1 || touch /x 2>&1 || true"
    )
    assert written.count("Read-only file system") == 2

    engine("stop", container)
    assert engine.inspect(container)["State"]["ExitCode"] == 0
    assert "Traceback" not in engine.output(container)


def _get(address: str, key: str) -> str:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 (loopback)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return answer.read().decode()


def _wait_until_ready(engine: Engine, container: str, address: str) -> None:
    end = time.monotonic() + WAIT_S
    while True:
        try:
            _get(f"{address}/health/ready", "")
        except OSError:
            assert time.monotonic() < end, engine.output(container)
            assert engine.inspect(container)["State"]["Running"], engine.output(container)
            time.sleep(0.2)
        else:
            return


def _is_healthy(engine: Engine, container: str) -> bool:
    if engine.is_podman:  # its timers are systemd's, which a container host may lack
        return engine("healthcheck", "run", container) == ""
    end = time.monotonic() + WAIT_S
    while (health := engine.inspect(container)["State"]["Health"]["Status"]) == "starting":
        assert time.monotonic() < end
        time.sleep(0.5)
    return bool(health == "healthy")
