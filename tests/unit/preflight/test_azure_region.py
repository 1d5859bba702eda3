"""How what ARM says of a region is judged: each check by itself, on ARM's own shapes."""

from __future__ import annotations

from datetime import date

import pytest

from sdg.catalog.foundry_models import foundry_model
from sdg.preflight.azure import region, sizes, there
from tests.unit.preflight.azure_answers import (
    D16,
    GPU_SKU,
    H100,
    SYSTEM_SKU,
    T4_SKU,
    VERSIONS,
    capability,
    kept_back,
    one,
    server_sku,
    sku,
    usage,
    wanted,
)


class TestSizes:
    def test_sizes_that_the_region_has_are_no_problem(self):
        assert list(sizes.sizes(wanted(), [SYSTEM_SKU, GPU_SKU])) == []

    def test_a_size_is_found_whatever_its_letter_case_and_among_skus_of_other_kinds(self):
        disk = {"resourceType": "disks", "name": H100, "locations": ["EastUS2"]}
        assert list(sizes.sizes(wanted(), [disk, SYSTEM_SKU, {**GPU_SKU, "name": H100.upper()}])) == []

    def test_a_size_that_is_not_offered_names_the_pools_key_and_what_can_be_had(self):
        text = one(sizes.sizes(wanted(), [SYSTEM_SKU, T4_SKU]))
        assert f"sdg:cluster.gpuPools[0].size: {H100} is not offered in eastus2." in text
        assert "Standard_NC4as_T4_v3" in text
        assert D16 not in text.partition("can be had there")[2], "nodes without GPUs are no alternative"

    @pytest.mark.parametrize(
        ("reason", "words"), [("NotAvailableForSubscription", "want of capacity"), ("QuotaId", "this kind of subscription"), ("New", "New")]
    )
    def test_a_size_that_is_kept_from_the_subscription_says_arms_reason(self, reason, words):
        restricted = {**GPU_SKU, "restrictions": [kept_back(reason=reason)]}
        text = one(sizes.sizes(wanted(), [SYSTEM_SKU, restricted]))
        assert reason in text
        assert words in text

    def test_zones_that_the_size_is_not_in_are_named_with_those_that_it_is_in(self):
        stack = wanted({"gpuPools": [{"zones": ["1", "2", "3"]}]})
        restricted = {**GPU_SKU, "restrictions": [kept_back("1", "3")]}
        text = one(sizes.sizes(stack, [SYSTEM_SKU, restricted]))
        assert "can be had in zone 2 alone in eastus2" in text
        assert "sdg:cluster.gpuPools[0].zones says 1, 2, 3" in text
        assert "NotAvailableForSubscription" in text
        assert one(sizes.sizes(stack, [SYSTEM_SKU, sku(H100, "f", 40, zones=())])).count("in no zone") == 1

    def test_a_size_that_is_never_spare_is_refused_to_a_spot_pool_alone(self):
        never = {**GPU_SKU, "capabilities": [*GPU_SKU["capabilities"], {"name": "LowPriorityCapable", "value": "False"}]}
        assert list(sizes.sizes(wanted(), [SYSTEM_SKU, never])) == []
        text = one(sizes.sizes(wanted({"gpuPools": [{"spot": True}]}), [SYSTEM_SKU, never]))
        assert "sdg:cluster.gpuPools[0].spot is true" in text

    def test_restricted_zones_concern_no_pool_that_names_none(self):
        assert list(sizes.sizes(wanted(), [SYSTEM_SKU, {**GPU_SKU, "restrictions": [kept_back("1", "2", "3")]}])) == []

    def test_a_size_that_is_restricted_is_no_alternative(self):
        text = one(sizes.sizes(wanted(), [SYSTEM_SKU, {**T4_SKU, "restrictions": [kept_back()]}]))
        assert "Standard_NC4as_T4_v3" not in text


class TestAlternatives:
    """Sizes that are proposed are sizes that the settings take."""

    def proposed(self, stack, *skus):
        text = one(sizes.sizes(stack, skus))
        return [name.rstrip(".") for name in text.partition("can be had there: ")[2].partition(". ")[0].split(", ") if name]

    def test_a_system_pool_is_offered_none_that_is_too_small(self):
        small, large = sku("Standard_D8ds_v5", "standardDDSv5Family", 8), sku("Standard_D32s_v5", "standardDSv5Family", 32)
        assert self.proposed(wanted(), GPU_SKU, small, large) == ["Standard_D32s_v5"]
        cpu = wanted({"cpuPool": {"size": "Standard_D16s_v5"}})
        assert self.proposed(cpu, SYSTEM_SKU, GPU_SKU, small) == [D16, "Standard_D8ds_v5"], "other pools may be of those"

    def test_a_gpu_pool_is_offered_grid_sizes_only_where_azure_installs_the_driver(self):
        a10 = sku("Standard_NV36ads_A10_v5", "standardNVADSA10v5Family", 36)
        assert self.proposed(wanted(), SYSTEM_SKU, a10, T4_SKU) == ["Standard_NC4as_T4_v3"]
        azures = {"gpuOperator": {"driver": "azure"}}
        assert "Standard_NV36ads_A10_v5" in self.proposed(wanted(platform=azures), SYSTEM_SKU, a10, T4_SKU)

    def test_previews_and_other_architectures_are_nobodys_alternative(self):
        preview = sku("Standard_NC128ds_xl_RTXPRO6000BSE_v6", "standardX", 128)
        arm64 = sku("Standard_ND128isr_NDR_GB200_v6", "standardX", 128)
        assert self.proposed(wanted(platform={"gpuOperator": {"driver": "azure"}}), SYSTEM_SKU, preview, arm64) == []

    def test_a_spot_pool_is_offered_what_can_be_spare(self):
        never = {**T4_SKU, "capabilities": [{"name": "LowPriorityCapable", "value": "False"}]}
        assert self.proposed(wanted({"gpuPools": [{"spot": True}]}), SYSTEM_SKU, never) == []
        assert self.proposed(wanted(), SYSTEM_SKU, never) == ["Standard_NC4as_T4_v3"]


PLENTY = [usage(name, 0, 10_000) for name in ("cores", "lowPriorityCores", "standardDDSv5Family", "StandardNCadsH100v5Family", "standardX")]


def less(**quotas):
    """The usages, some of them with another (used, limit); `_` stands for a space."""
    changed = {name.replace("_", " ").replace(" ", "").lower(): pair for name, pair in quotas.items()}
    return [usage(u["name"]["value"], *changed.get(u["name"]["value"].replace(" ", "").lower(), (0, 10_000))) for u in PLENTY]


class TestQuotas:
    SKUS = (SYSTEM_SKU, GPU_SKU)

    def judge(self, stack, usages, *, deployed=False, skus=SKUS):
        return list(sizes.quotas(stack, skus, usages, deployed=deployed))

    def test_enough_of_everything_is_no_problem(self):
        assert self.judge(wanted(), PLENTY) == []

    def test_a_family_that_is_too_small_says_limit_used_left_needed_and_missing(self):
        [found] = self.judge(wanted({"gpuPools": [{"max": 4}]}), less(standardncadsh100v5family=(40, 120)))
        assert found.check == "azure-quota"
        assert "Quota StandardNCadsH100v5Family in eastus2: 40 of 120 vCPUs are used, 80 are left" in found.seen
        assert "the pool gpu needs up to 160" in found.seen
        assert found.seen.endswith("so 80 are missing (120 for upgrades too).")
        assert "Usage + quotas" in found.remedy

    def test_every_pool_counts_and_those_of_one_family_together(self):
        stack = wanted(
            {"systemPool": {"max": 3}, "cpuPool": {"max": 4}, "gpuPools": [{"name": "one", "max": 1}, {"name": "two", "max": 1}]}
        )
        found = self.judge(stack, less(standardddsv5family=(0, 111), standardncadsh100v5family=(0, 79), cores=(0, 191)))
        assert [finding.seen.split()[1] for finding in found] == ["standardDDSv5Family", "StandardNCadsH100v5Family", "cores"]
        assert "the pools system and cpu need up to 112" in found[0].seen
        assert "the pools one and two need up to 80" in found[1].seen
        assert "the pools system and cpu and one and two need up to 192" in found[2].seen

    def test_spot_pools_need_nothing_of_their_family(self):
        stack = wanted({"gpuPools": [{"max": 4, "spot": True}]})
        assert self.judge(stack, less(standardncadsh100v5family=(0, 0))) == []
        [found] = self.judge(stack, less(lowprioritycores=(0, 159)))
        assert "Quota lowPriorityCores" in found.seen
        assert "needs up to 160" in found.seen

    def test_what_a_deployed_stack_may_use_itself_is_a_warning_and_a_limit_that_can_never_do_an_error(self):
        stack = wanted({"gpuPools": [{"max": 4}]})
        [warned] = self.judge(stack, less(standardncadsh100v5family=(160, 160)), deployed=True)
        assert (warned.check, warned.refuses) == ("azure-quota-in-use", False)
        assert "those that this stack uses already are among the used ones" in warned.seen
        [refused] = self.judge(stack, less(standardncadsh100v5family=(160, 159)), deployed=True)
        assert (refused.check, refused.refuses) == ("azure-quota", True)

    def test_one_nodes_worth_of_gpus_is_enough_and_too_little_for_an_upgrade_which_is_a_warning(self):
        [warned] = self.judge(wanted(), less(standardncadsh100v5family=(0, 40)))
        assert (warned.check, warned.refuses) == ("azure-quota-upgrade", False)
        assert "needs up to 40; 40 more while they are upgraded, so 40 are missing then." in warned.seen
        assert self.judge(wanted(), less(standardncadsh100v5family=(0, 80))) == []
        [refused] = self.judge(wanted(), less(standardncadsh100v5family=(0, 39)))
        assert refused.refuses

    def test_a_size_that_the_region_lacks_has_no_quota_to_judge(self):
        assert self.judge(wanted(), less(standardncadsh100v5family=(0, 0)), skus=[SYSTEM_SKU]) == []


class TestKubernetes:
    def judge(self, **cluster):
        return list(region.kubernetes(wanted(cluster), VERSIONS))

    @pytest.mark.parametrize(
        "cluster", [{}, {"kubernetes": "1.35.10"}, {"kubernetes": "1.33", "lts": True, "tier": "Premium"}, {"kubernetes": "1.36"}]
    )
    def test_what_is_offered_with_the_wanted_support_is_no_problem(self, cluster):
        assert self.judge(**cluster) == []

    def test_another_version_names_those_that_have_the_support(self):
        text = one(self.judge(kubernetes="1.29"))
        assert "sdg:cluster.kubernetes: 1.29 is not offered in eastus2." in text
        assert "Offered there are 1.35, 1.36." in text, "neither previews nor those with long-term support alone"

    def test_a_version_with_long_term_support_alone_says_so_and_what_it_takes(self):
        text = one(self.judge(kubernetes="1.33"))
        assert "community support has ended" in text
        assert "sdg:cluster.lts true with sdg:cluster.tier Premium" in text

    def test_a_version_without_long_term_support_names_those_with(self):
        text = one(self.judge(kubernetes="1.36", lts=True, tier="Premium"))
        assert "has no long-term support" in text
        assert "1.33, 1.35 with long-term support" in text

    def test_a_patch_that_is_not_offered_names_those_that_are_in_order(self):
        assert "1.35.1, 1.35.10" in one(self.judge(kubernetes="1.35.2"))


class TestDatabase:
    # preset production: GP_Standard_D4s_v3, zone-redundant, geo backup
    def judge(self, *capabilities, **cluster):
        return list(region.database(wanted(cluster), capabilities))

    def test_what_is_offered_is_no_problem(self):
        assert self.judge(capability(server_sku("Standard_D4s_v3")), preset="production") == []
        assert self.judge(capability(server_sku("standard_b2s", modes=()), tier="Burstable")) == []

    @pytest.mark.parametrize(
        ("broken", "words"),
        [
            (
                capability(restricted="Enabled", reason="Provisioning is restricted."),
                "closed to this subscription (Provisioning is restricted)",
            ),
            (
                capability(server_sku("Standard_D2s_v3")),
                "GP_Standard_D4s_v3 is not offered, but in tier GeneralPurpose Standard_D2s_v3",
            ),
            (capability(server_sku("Standard_D4s_v3", status="Disabled")), "is not offered, but in tier GeneralPurpose none"),
            (capability(server_sku("Standard_D4s_v3"), tier="Burstable"), "in tier GeneralPurpose none"),
            (capability(server_sku("Standard_D4s_v3", modes=["SameZone"])), "no high availability zone-redundant, but same-zone"),
            (capability(server_sku("Standard_D4s_v3"), geoBackupSupported="Disabled"), "geoBackup is not offered"),
            (capability(server_sku("Standard_D4s_v3"), supportedServerVersions=[{"name": "17"}]), "version 16 is not offered, but 17"),
        ],
        ids=["restricted", "size", "disabled", "tier", "standby", "geo backup", "version"],
    )
    def test_each_reason_is_named_with_what_is_offered(self, broken, words):
        assert words in one(self.judge(broken, preset="production"))

    @pytest.mark.parametrize(
        ("zones", "words"), [(["2"], "is not in zone 1 (sdg:cluster.database.zone), but in 2"), ([], "but in no zone")]
    )
    def test_a_zone_is_looked_for_where_one_is_said(self, zones, words):
        offered = capability(server_sku("Standard_D4s_v3", zones=zones))
        assert words in one(self.judge(offered, preset="production", database={"zone": "1"}))
        assert self.judge(offered, preset="production") == []

    def test_all_reasons_come_in_one_finding(self):
        text = one(self.judge(capability(geoBackupSupported="Disabled", supportedServerVersions=[]), preset="production"))
        assert text.count("; ") >= 2


PROVIDERS = [
    {"namespace": "Microsoft.Cache", "resourceTypes": [{"resourceType": "redisEnterprise", "locations": ["West US 3"]}]},
    {"namespace": "Microsoft.Network", "resourceTypes": [{"resourceType": "virtualNetworks", "locations": []}]},
    {"namespace": "Microsoft.Storage", "resourceTypes": [{"resourceType": "storageAccounts", "locations": ["East US 2"]}]},
    {"namespace": "Microsoft.Authorization", "resourceTypes": [{"resourceType": "roleAssignments", "locations": ["global"]}]},
]


class TestServices:
    def test_a_service_that_the_region_lacks_is_named_and_those_that_are_everywhere_are_not(self):
        text = one(region.services(wanted(), PROVIDERS))
        assert "eastus2 does not offer Microsoft.Cache/redisEnterprise, which" in text
        assert list(region.services(wanted({"location": "West US 3"}), PROVIDERS[:2])) == []

    def test_what_the_stack_does_not_make_is_not_missed(self):
        elsewhere = {"osmo": {"redis": {"kind": "external", "host": "redis.example.com"}}}
        assert list(region.services(wanted(**elsewhere), PROVIDERS)) == []

    def test_a_redundancy_that_the_region_lacks_names_those_that_it_has(self):
        def offered(name, *places, kind="StorageV2", **others):
            return {"name": name, "kind": kind, "locations": list(places), **others}

        skus = [
            offered("Standard_LRS", "eastus2"),
            offered("Standard_GZRS", "westeurope"),
            offered("Standard_GZRS", "eastus2", kind="BlobStorage"),
            offered("Standard_ZRS", "eastus2", restrictions=[kept_back()]),
        ]
        assert list(region.storage(wanted(), skus)) == []
        assert "GZRS is not offered in eastus2, but LRS." in one(region.storage(wanted({"preset": "production"}), skus))
        assert list(region.storage(wanted({"preset": "production", "location": "westeurope"}), skus)) == []

    def test_a_region_that_is_none_names_the_nearest(self):
        text = one(region.known(wanted({"location": "eastus22"}), [{"name": "eastus2"}, {"name": "westeurope"}]))
        assert "eastus22 is no region of subscription" in text
        assert "Did you mean eastus2?" in text

    def test_redis_that_was_sold_out_is_a_note_with_what_worked(self):
        [found] = region.redis_capacity(wanted())
        assert found.severity == "note"
        assert "Balanced_B1 could not be had in eastus2 on 2026-05-01" in found.seen
        assert "ComputeOptimized_X3" in found.remedy
        assert list(region.redis_capacity(wanted({"location": "westus3"}))) == []


class TestModels:
    TODAY = date(2026, 7, 1)

    def model(self, name, **others):
        return {"kind": "AIServices", "skuName": "S0", "model": {"format": "DeepSeek", "name": name, "version": "1", **others}}

    def judge(self, place, *offered, of=("deepseek-r1",), today=TODAY):
        return list(region.models({name: foundry_model(name) for name in of}, place, offered, today))

    def test_a_region_that_has_the_stacks_models_by_its_own_list_or_by_the_catalog_is_no_problem(self):
        assert self.judge("swedencentral", self.model("deepseek-r1")) == []
        assert self.judge("westus3") == []

    def test_a_region_says_of_each_model_of_the_stack_why_it_cannot_be_served_there(self):
        listed = self.model("gpt-4o"), self.model("Meta-Llama-3.1-8B-Instruct")
        text = one(self.judge("swedencentral", *listed, of=("llama-3-1-8b", "llama-3-1-70b", "deepseek-r1")))
        assert "Foundry cannot serve every model of the stack in swedencentral" in text
        assert "llama-3-1-8b has been retired since 2026-06-13" in text
        assert "llama-3-1-70b has been retired since 2025-06-30 (Llama-3.3-70B-Instruct came after it)" in text
        assert "deepseek-r1 is not offered there, but in eastus, eastus2" in text

    def test_what_the_stack_does_not_name_may_be_retired_or_absent(self):
        assert self.judge("swedencentral", self.model("Phi-4"), of=("phi-4",)) == []

    def test_models_are_looked_for_where_foundry_is_and_not_where_the_cluster_is(self):
        stack = wanted({"location": "uksouth"}, inference={"provider": "foundry", "location": "eastus2"})
        assert there._models_region(stack) == "eastus2"
        assert there._models_region(wanted({"location": "uksouth"}, inference={"provider": "foundry"})) == "uksouth"
        assert list(there._models(stack)) == ["llama-3-3-70b"]

    def test_a_model_serves_until_the_day_on_which_the_catalog_retires_it(self):
        listed = self.model("Meta-Llama-3.1-8B-Instruct")
        assert self.judge("swedencentral", listed, of=("llama-3-1-8b",), today=date(2026, 6, 12)) == []
        assert self.judge("swedencentral", listed, of=("llama-3-1-8b",), today=date(2026, 6, 13))

    def test_a_model_whose_day_arm_knows_is_retired_from_that_day_on_if_all_its_versions_are(self):
        first = self.model("DeepSeek-R1", deprecation={"inference": "2026-07-01T00:00:00Z"})
        assert "deepseek-r1 has been retired since 2026-07-01" in one(self.judge("eastus2", first))
        assert self.judge("eastus2", self.model("DeepSeek-R1", deprecation={"inference": "2026-07-02T00:00:00Z"})) == []
        assert self.judge("eastus2", first, self.model("DeepSeek-R1")) == []


def test_an_answer_of_an_unknown_shape_is_a_finding_and_no_crash():
    skus = [{"resourceType": "virtualMachines", "name": D16}]  # no family
    [found] = there.judged("the list", lambda: sizes.quotas(wanted(), skus, PLENTY, deployed=False))
    assert found.check == "azure-answers"
    assert "the list is not as it should be (KeyError: 'family')" in found.seen
