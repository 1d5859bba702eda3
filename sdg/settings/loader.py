"""Loads a stack's settings from Pulumi's config. The only module of the settings that knows Pulumi."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pulumi
from dotenv import dotenv_values
from pulumi.runtime import config as runtime_config

from sdg.azure.account import Account, AccountError, NoAccountError
from sdg.azure.account import find as find_account
from sdg.inference.model import InferencePlan
from sdg.preflight.model import Finding, Preflight, Subject
from sdg.settings.azure import Azure
from sdg.settings.cluster import ExistingCluster
from sdg.settings.errors import SettingsError
from sdg.settings.inference import NoInference
from sdg.settings.kubeconfig import Kubeconfig, KubeconfigError, candidates, read_kubeconfig
from sdg.settings.model import NAMESPACE, StackSettings
from sdg.settings.parse import check
from sdg.settings.rules import Sections, secret_problems
from sdg.settings.secrets import SECRET_KEYS, SecretName, found, problem
from sdg.settings.workload import NoWorkload
from sdg.workload.model import PlannedWorkload

DOTENV = ".env"


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of a stack, each a secret Output or None when nobody gave one."""

    ngc_api_key: pulumi.Output[str] | None = None
    nvcf_api_key: pulumi.Output[str] | None = None
    hf_token: pulumi.Output[str] | None = None
    external_api_key: pulumi.Output[str] | None = None
    database_password: pulumi.Output[str] | None = None
    redis_password: pulumi.Output[str] | None = None
    object_store_password: pulumi.Output[str] | None = None
    storage_access_key_id: pulumi.Output[str] | None = None
    storage_access_key: pulumi.Output[str] | None = None
    storage_account_key: pulumi.Output[str] | None = None
    ssh_private_key: pulumi.Output[str] | None = None


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """How to reach a cluster that exists already.

    Attributes:
        kubeconfig: a kubeconfig with the chosen context alone; secret.
        context: that context's name.
        server: URL of the API server.
    """

    kubeconfig: pulumi.Output[str]
    context: str
    server: str


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything that a stack was told.

    Attributes:
        settings: what it says, checked.
        secrets: what it keeps to itself.
        connection: how to reach its cluster; None when the stack makes the cluster.
        account: the subscription that it is made in; None for clusters elsewhere.
        inference: the endpoints that it serves.
        workload: what it is for; None without a workload.
    """

    settings: StackSettings
    secrets: Secrets
    connection: ClusterAccess | None
    account: Account | None = None
    inference: InferencePlan = field(default_factory=InferencePlan)
    workload: PlannedWorkload | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """Where settings come from, as plain data.

    Attributes:
        config: the stack's config below `sdg:`, by key; objects as JSON text.
        secret_keys: the keys of it that are stored as secrets.
        environ: environment variables.
        project: the project's directory; relative paths start here, and `.env` lies here.
        owner: project and stack, as marks of what a stack has made say it.
    """

    config: Mapping[str, str]
    secret_keys: Collection[str]
    environ: Mapping[str, str]
    project: Path
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What sources gave, wrong or not.

    Attributes:
        sections: those that could be read.
        secrets: the secrets that have a value, in plain.
        kubeconfig: that of a cluster that exists; None without one, or when it cannot be used.
        problems: with what the stack says, one sentence each.
        findings: of the preflight.
        account: the subscription of a cluster in Azure; None without one.
        inference: the endpoints, as far as they could be planned.
        workload: that of the stack; None without one, and when its spec cannot be rendered.
    """

    sections: Sections
    secrets: Mapping[SecretName, str] = field(repr=False)
    kubeconfig: Kubeconfig | None
    problems: tuple[str, ...]
    findings: tuple[Finding, ...]
    account: Account | None = None
    inference: InferencePlan = field(default_factory=InferencePlan)
    workload: PlannedWorkload | None = None


def no_preflight(_subject: Subject) -> Iterable[Finding]:
    """Asks nothing of anything."""
    return ()


def load(preflight: Preflight = no_preflight) -> Stack:
    """Loads the running program's settings.

    Args:
        preflight: what is to be asked of this host and the cluster, so that its problems come together with those of the settings.

    Raises:
        SettingsError: names every problem at once, one sentence each.
    """
    return read(_sources(), preflight)


def read(sources: Sources, preflight: Preflight = no_preflight) -> Stack:
    """Loads settings from given sources.

    Raises:
        SettingsError: names every problem at once, one sentence each.
    """
    found = look(sources, preflight)
    for finding in found.findings:
        if not finding.refuses:
            (pulumi.log.warn if finding.severity == "warning" else pulumi.log.info)(str(finding))
    if problems := [*found.problems, *(str(finding) for finding in found.findings if finding.refuses)]:
        raise SettingsError(problems)
    settings = StackSettings.model_validate(found.sections)
    return Stack(settings, _wrapped(found.secrets), _connection(found.kubeconfig), found.account, found.inference, found.workload)


def look(sources: Sources, preflight: Preflight = no_preflight) -> Read:
    """Reads everything that sources give and asks the preflight, whatever is wrong with it."""
    sections, problems = check(sources.config, sources.secret_keys)
    plain, wrong_secrets = _secrets(sources)
    problems.extend(wrong_secrets)
    problems.extend(secret_problems(sections, plain))
    kubeconfig: Kubeconfig | None = None
    cluster = sections.get("cluster")
    if isinstance(cluster, ExistingCluster):
        try:
            kubeconfig = read_kubeconfig(candidates(cluster.kubeconfig, sources.environ, sources.project), cluster.context)
        except KubeconfigError as error:
            problems.append(f"{NAMESPACE}:cluster.kubeconfig: {error}.")
    account: Account | None = None
    nobody: list[Finding] = []
    if isinstance(cluster, Azure):
        try:
            account = find_account(cluster.subscription, sources.environ)
        except NoAccountError as error:
            from sdg.preflight.azure.stack import without_account  # noqa: PLC0415 -- it takes a while to import

            nobody.append(without_account(error, sources.environ))
        except AccountError as error:
            problems.append(str(error))
    inference, workload, notes = _planned(sections, plain, sources.environ, problems)
    subject = Subject(
        sections,
        kubeconfig.api_server if kubeconfig else None,
        plain,
        sources.owner,
        sources.environ,
        sources.project,
        account,
        kubeconfig=kubeconfig.text if kubeconfig else None,
        inference=inference,
        workload=workload,
    )
    return Read(sections, plain, kubeconfig, tuple(problems), (*nobody, *notes, *preflight(subject)), account, inference, workload)


def _planned(
    sections: Sections, plain: Mapping[SecretName, str], environ: Mapping[str, str], problems: list[str]
) -> tuple[InferencePlan, PlannedWorkload | None, list[Finding]]:
    """The stack's endpoints and its workload; what is wrong with them joins the problems."""
    if all(isinstance(sections.get(key), NoInference | NoWorkload) for key in ("inference", "workload")):
        return InferencePlan(), None, []
    from sdg.inference.stack import plan_stack  # noqa: PLC0415 -- it takes a while to import

    planned = plan_stack(sections, plain, environ)
    problems.extend(planned.problems)
    return planned.inference, planned.workload, [Finding("inference-plan", note) for note in planned.notes]


def _sources() -> Sources:
    everything = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    prefix = f"{NAMESPACE}:"
    config = {key.removeprefix(prefix): value for key, value in everything.items() if key.startswith(prefix)}
    secret = {key for key in config if runtime_config.is_config_secret(prefix + key)}
    return Sources(config, secret, os.environ, Path.cwd(), f"{pulumi.get_project()}/{pulumi.get_stack()}")


def _secrets(sources: Sources) -> tuple[dict[SecretName, str], list[str]]:
    """The secrets' plain values, from the stack, the environment or `.env`, and what is wrong with them."""
    dotenv = {key: value for key, value in dotenv_values(sources.project / DOTENV).items() if value}
    values: dict[SecretName, str] = {}
    problems: list[str] = []
    for secret in SECRET_KEYS.values():
        if secret.key in sources.config and secret.key not in sources.secret_keys:
            problems.append(
                f"{NAMESPACE}:{secret.key} is stored in plain text; store it with `pulumi config set --secret {NAMESPACE}:{secret.key}`."
            )
        value = found(secret, sources.config, sources.environ, dotenv)
        if value is None and secret.fallback:
            value = values.get(secret.fallback)
        elif value is not None and (wrong := problem(secret, value)):
            problems.append(wrong)
        if value is not None:
            values[secret.key] = value
    return values, problems


def _wrapped(plain: Mapping[SecretName, str]) -> Secrets:
    def secret(key: SecretName) -> pulumi.Output[str] | None:
        return pulumi.Output.secret(plain[key]) if key in plain else None

    return Secrets(
        ngc_api_key=secret("ngcApiKey"),
        nvcf_api_key=secret("nvcfApiKey"),
        hf_token=secret("hfToken"),
        external_api_key=secret("externalApiKey"),
        database_password=secret("databasePassword"),
        redis_password=secret("redisPassword"),
        object_store_password=secret("objectStorePassword"),
        storage_access_key_id=secret("storageAccessKeyId"),
        storage_access_key=secret("storageAccessKey"),
        storage_account_key=secret("storageAccountKey"),
        ssh_private_key=secret("sshPrivateKey"),
    )


def _connection(kubeconfig: Kubeconfig | None) -> ClusterAccess | None:
    if kubeconfig is None:
        return None
    return ClusterAccess(pulumi.Output.secret(kubeconfig.text), kubeconfig.context, kubeconfig.server)
