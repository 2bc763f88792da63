"""The files for operators name only what there is."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

from bot.settings import Settings

DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
SECRETS = ("DISCORD_TOKEN", "TELEGRAM_TOKEN", "TELEGRAM_WEBHOOK_SECRET")
KNOWN = {name.upper() for name in Settings.model_fields} | {f"{name}_FILE" for name in SECRETS}
"""Every variable that can be set."""


def documents() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in MANIFESTS:
        for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
            yield path, document


def pods() -> list[dict[str, Any]]:
    return [
        document["spec"]["template"]["spec"] for _, document in documents() if "template" in document.get("spec", {})
    ]


def compose_of(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded


def unit() -> Mapping[str, str]:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment]
    read.read(DEPLOY / "systemd" / "privacy-bot.service", encoding="utf-8")
    return read["Service"]


def test_every_variable_in_the_deployment_files_exists():
    """A variable that nobody reads would be a setting that silently does nothing."""
    texts = [path.read_text(encoding="utf-8") for path in DEPLOY.rglob("*") if path.is_file()]
    named = {name for text in texts for name in re.findall(r"\b(?:BOT|DISCORD|TELEGRAM)_[A-Z_]+\b", text)}
    assert sorted(named - KNOWN) == []


def test_the_manifests_are_whole():
    """What kustomization.yaml lists is there, and every object has a kind and a name."""
    listed = yaml.load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    assert [name for name in listed["resources"] if not (DEPLOY / "kubernetes" / name).is_file()] == []
    for path, document in documents():
        if path.name != "kustomization.yaml":
            assert document["kind"], path
            assert document["metadata"]["name"], path


@pytest.mark.parametrize("pod", pods(), ids=lambda pod: pod["containers"][0]["name"])
def test_pods_have_no_privileges_and_a_read_only_root(pod: dict[str, Any]):
    """Each container runs as a plain user, can gain nothing, and writes only to its volumes."""
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert container["resources"]["limits"]["memory"]


def test_probes_ask_the_paths_that_are_served():
    """Liveness is /healthz, readiness /readyz, on the port of BOT_HTTP."""
    bot = next(pod for pod in pods() if pod["containers"][0]["name"] == "bot")["containers"][0]
    assert bot["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert bot["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    ports = {port["name"]: port["containerPort"] for port in bot["ports"]}
    config = next(document for _, document in documents() if document["kind"] == "ConfigMap")["data"]
    assert config["BOT_HTTP"].endswith(f":{ports['http']}")
    assert config["TELEGRAM_WEBHOOK_LISTEN"].endswith(f":{ports['telegram']}")


def test_the_compose_file_has_two_replicas_that_share_a_store():
    """Both replicas are the same but for their names, and their state is Valkey."""
    compose = compose_of(DEPLOY / "compose.yaml")
    bots = [service for name, service in compose["services"].items() if name.startswith("bot-")]
    assert len(bots) == 2
    assert bots[0] == bots[1]
    assert bots[0]["environment"]["BOT_STATE"].startswith("redis://valkey:")
    assert bots[0]["environment"]["TELEGRAM_REPLICAS"] == str(len(bots))
    assert bots[0]["read_only"]


def test_a_full_valkey_throws_nothing_away():
    """Under every other policy a lease that is held, or a message to the editors, would be the first to go."""
    compose = compose_of(DEPLOY / "compose.yaml")
    pod = next(pod for pod in pods() if pod["containers"][0]["name"] == "valkey")
    for command in (compose["services"]["valkey"]["command"], pod["containers"][0]["args"]):
        assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
        assert command[command.index("--appendonly") + 1] == "yes"


def test_valkey_needs_no_privilege_to_start_a_second_time():
    """As root the image walks through the volume before it gives root up, and cannot enter the folder it made there."""
    valkey = compose_of(DEPLOY / "compose.yaml")["services"]["valkey"]
    assert valkey["user"] == "valkey"
    assert "cap_add" not in valkey


def test_a_folder_in_memory_belongs_to_who_writes_there():
    """What is mounted over the image's folder is root's own unless it says whose it is."""
    user = re.search(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert user
    mounted = [at for at in compose_of(DEPLOY / "compose.yaml")["services"]["bot-1"]["tmpfs"] if at != "/tmp"]
    assert [at.split(":")[1].split(",")[:2] for at in mounted] == [[f"uid={user[1]}", f"gid={user[2]}"]]


def test_every_limit_has_room_for_fitting_beside_serving():
    """Fitting takes 0.9 GB and two threads a core; under a lower limit a changed knowledge would never answer."""
    bots = [
        compose_of(ROOT / "compose.yaml")["services"]["bot"],
        *(compose_of(DEPLOY / "compose.yaml")["services"][name] for name in ("bot-1", "bot-2")),
    ]
    assert [(bot["mem_limit"], bot["pids_limit"]) for bot in bots] == [("1536m", 256)] * len(bots)
    pod = next(pod for pod in pods() if pod["containers"][0]["name"] == "bot")["containers"][0]
    assert pod["resources"]["limits"]["memory"] == "1536Mi"
    assert (unit()["MemoryMax"], unit()["TasksMax"]) == ("1536M", "256")


def test_nothing_ends_a_bot_that_is_fitting_before_it_starts():
    """A probe or a check waits five minutes for the first answer, and systemd for no command before the bot itself."""
    probe = next(pod for pod in pods() if pod["containers"][0]["name"] == "bot")["containers"][0]["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == 300
    assert "HEALTHCHECK --interval=30s --timeout=10s --start-period=5m" in (ROOT / "Dockerfile").read_text("utf-8")
    assert "ExecStartPre" not in unit()


def test_every_container_has_a_read_only_root_and_no_privileges():
    """What compose starts can write to its volumes alone, and gain nothing."""
    for path in (ROOT / "compose.yaml", DEPLOY / "compose.yaml"):
        for service in compose_of(path)["services"].values():
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]
            assert service["security_opt"] == ["no-new-privileges:true"]
            assert service["mem_limit"]


def test_the_cluster_keeps_one_bot_and_lets_in_what_has_to():
    """A disruption leaves one pod; nothing is let through that is not named, and the bots reach what they need."""
    by_kind: dict[str, dict[str, Any]] = {}
    for _, document in documents():
        by_kind.setdefault(document["kind"], {})[document.get("metadata", {}).get("name", "")] = document
    deployment = by_kind["Deployment"]["privacy-bot"]["spec"]
    budget = by_kind["PodDisruptionBudget"]["privacy-bot"]["spec"]
    assert budget == {"minAvailable": 1, "selector": deployment["selector"]}
    assert deployment["replicas"] == 2
    policies = by_kind["NetworkPolicy"]
    closed = policies["nothing-by-default"]["spec"]
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    labels = deployment["template"]["metadata"]["labels"]
    assert policies["privacy-bot"]["spec"]["podSelector"]["matchLabels"] == labels
    assert policies["valkey"]["spec"]["ingress"][0]["from"] == [{"podSelector": {"matchLabels": labels}}]
    # A load balancer outside the cluster, or one on a node's own network, is nothing that a selector finds.
    assert {"ports": [{"port": 8090}]} in policies["privacy-bot"]["spec"]["ingress"]
    ports = {port["containerPort"] for port in deployment["template"]["spec"]["containers"][0]["ports"]}
    assert {rule["ports"][0]["port"] for rule in policies["privacy-bot"]["spec"]["ingress"]} == ports
    assert {port["port"] for rule in policies["privacy-bot"]["spec"]["egress"] for port in rule["ports"]} == {
        53,
        443,
        6379,
    }


def test_no_load_balancer_waits_for_a_readiness_that_only_an_update_brings():
    """After a failed delivery a replica is ready once an update reaches it, so it must not be left out until then."""
    caddy = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    assert "health_uri /healthz" in caddy
    service = next(
        document
        for _, document in documents()
        if document["kind"] == "Service" and document["metadata"]["name"] == "privacy-bot"
    )
    assert service["spec"]["publishNotReadyAddresses"]


def test_the_compose_file_needs_no_webhook():
    """Where only Discord runs, nothing of a webhook is set and nothing has to be."""
    compose = compose_of(DEPLOY / "compose.yaml")
    environment = compose["services"]["bot-1"]["environment"]
    assert environment["TELEGRAM_WEBHOOK_LISTEN"].startswith("${TELEGRAM_WEBHOOK_URL:+")
    assert compose["services"]["front"]["profiles"] == ["webhook"]
    assert ":?" not in (DEPLOY / "compose.yaml").read_text(encoding="utf-8")


def test_the_unit_starts_and_reloads_what_there_is():
    """The systemd unit calls commands of ours, and does not start again what cannot be mended so."""
    service = unit()
    assert service["ExecStart"].endswith("privacy-bot run")
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["RestartPreventExitStatus"] == "2"
    assert service["ProtectSystem"] == "strict"


def test_the_unit_kills_nobody_for_a_call_and_reads_no_second_file_of_settings():
    """Libraries bind threads to processors, which may fail but not kill; a .env in the checkout is not the unit's."""
    text = (DEPLOY / "systemd" / "privacy-bot.service").read_text(encoding="utf-8")
    assert not re.search(r"^SystemCallFilter=~.*@resources", text, re.MULTILINE)
    service = unit()
    assert service["SystemCallErrorNumber"] == "EPERM"
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
