"""The mapping language: what a rule may say, what it does to a record, and how a wrong file is told."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.terms import ChargeType, LineItem, Order, PriceModel, ProvisionKind
from connector.ports import RecordMapping
from mappings import (
    MappingConfig,
    MappingMisconfigured,
    MappingRefused,
    compile_mappings,
    config_version,
    read_mapping_config,
)
from tests.mappings.making import make_record, mapping_of, raw_model_org


def order_with(
    line: dict[str, Any] | None = None, header: dict[str, Any] | None = None, *, also: str = "", **values: Any
) -> Order:
    """The default record's order, read by the model org with some rules changed; `also` are tables of TOML."""
    raw = raw_model_org()["mapping"]
    raw["defaults"]["line"] |= line or {}
    raw["defaults"]["header"] |= header or {}
    raw |= tomllib.loads(also)
    record = make_record(**values)
    return compile_mappings(read_mapping_config(raw))["Quote"].to_order(record)


def mapping_with(header: dict[str, Any]) -> RecordMapping:
    """The mapping of quotes with some header rules changed."""
    raw = raw_model_org()["mapping"]
    raw["defaults"]["header"] |= header
    return compile_mappings(read_mapping_config(raw))["Quote"]


def line_with(line: dict[str, Any] | None = None, *, also: str = "", **fields: Any) -> LineItem:
    return order_with(line, also=also, lines=[fields]).line_items[0]


def faults_of(raw: dict[str, Any]) -> dict[str, str]:
    """Place and message of everything wrong with a `[mapping]` section."""
    with pytest.raises(MappingMisconfigured) as caught:
        read_mapping_config(raw)
    return {fault.field: fault.message for fault in caught.value.faults}


class TestRules:
    def test_the_first_field_that_is_not_empty_counts(self) -> None:
        rule = {"path": "PO_Number__c", "or": ["Name", "QuoteNumber"]}

        assert order_with(header={"po_number": rule}, PO_Number__c=" ", Name="N-1").po_number == "N-1"
        assert order_with(header={"po_number": rule}, PO_Number__c="P-1", Name="N-1").po_number == "P-1"

    def test_own_values_replace_the_built_in_ones(self) -> None:
        rule = {"path": "Billing_Frequency__c", "values": {"Every Two Years": 24, "Once": "upfront"}}

        every = order_with(header={"billing_period_months": rule}, Billing_Frequency__c="every two-years")
        once = order_with(header={"billing_period_months": rule}, Billing_Frequency__c="once")

        assert (every.billing_period_months, once.billing_period_months) == (24, None)
        with pytest.raises(MappingRefused, match="none of: Every Two Years, Once"):
            order_with(header={"billing_period_months": rule}, Billing_Frequency__c="Annual")

    def test_a_value_outside_the_values_goes_through_a_named_transform(self) -> None:
        rule = {"path": "Payment_Terms__c", "values": {"Prepaid": 0}, "transform": "integer"}

        assert order_with(header={"payment_terms_days": rule}, Payment_Terms__c="prepaid").payment_terms_days == 0
        assert order_with(header={"payment_terms_days": rule}, Payment_Terms__c=Decimal("21")).payment_terms_days == 21

    def test_a_value_may_mean_empty(self) -> None:
        rule = {"path": "PO_Number__c", "values": {"n/a": ""}, "transform": "text"}

        assert order_with(header={"po_number": rule}, PO_Number__c="N/A").po_number == ""

    def test_months_can_be_read_from_a_number_field(self) -> None:
        rule = {"path": "Billing_Frequency__c", "transform": "integer"}

        order = order_with(header={"billing_period_months": rule}, Billing_Frequency__c=Decimal("6.0"))

        assert order.billing_period_months == 6
        with pytest.raises(MappingRefused, match="below 1"):
            order_with(header={"billing_period_months": rule}, Billing_Frequency__c=Decimal("0"))

    def test_an_exclusive_end_needs_another_transform(self) -> None:
        order = order_with(header={"ends_on": {"path": "Contract_End__c", "transform": "date"}})

        assert str(order.ends_on) == "2026-12-31"

    def test_an_instant_becomes_the_day_it_was_in_the_configured_zone(self) -> None:
        signed = {"Signed_On__c": "2025-12-31T23:30:00.000+0000"}

        assert str(order_with(**signed).signed_on) == "2025-12-31"
        assert str(order_with(also='time_zone = "Asia/Tokyo"', **signed).signed_on) == "2026-01-01"

    def test_a_default_fills_an_empty_field(self) -> None:
        rule = {"path": "Legal_Entity__c", "default": "DE"}

        assert order_with(header={"legal_entity": rule}, Legal_Entity__c=None).legal_entity == "DE"
        assert order_with(header={"legal_entity": rule}, Legal_Entity__c="JP").legal_entity == "JP"

    def test_a_constant_reads_no_field(self) -> None:
        order = order_with(header={"deal_type": {"constant": "new"}})
        line = line_with({"discount_percent": {"constant": "2.5"}}, Discount=Decimal("10"))

        assert order.deal_type == "new"
        assert line.discount_percent == Decimal("2.5")
        assert "Deal_Type__c" not in mapping_with({"deal_type": {"constant": "new"}}).selection.fields

    def test_an_empty_constant_switches_a_target_off(self) -> None:
        assert line_with({"discount_amount": {"constant": ""}}, Discount_Amount__c=Decimal("5")).discount_amount == 0

    def test_a_required_field_that_is_empty_is_a_fault(self) -> None:
        with pytest.raises(MappingRefused, match="has no PO number") as caught:
            order_with(header={"po_number": {"path": "PO_Number__c", "required": True}}, PO_Number__c=None)

        assert [fault.code for fault in caught.value.faults] == ["MISSING_PO_NUMBER"]

    def test_a_field_that_may_be_absent_counts_as_empty(self) -> None:
        rule = {"path": "Only_In_Production__c", "may_be_absent": True}

        assert order_with(header={"po_number": rule}).po_number == ""
        with pytest.raises(MappingRefused, match="was not in Salesforce's answer"):
            order_with(header={"po_number": "Only_In_Production__c"})

    def test_field_names_are_found_in_any_capitals(self) -> None:
        assert order_with(header={"po_number": "po_number__C"}).po_number == "PO-7781"

    def test_quoted_and_dotted_targets_mean_the_same(self) -> None:
        dotted = tomllib.loads('[defaults.header]\ncustomer.tax_id = "Account.BillingCity"')
        quoted = tomllib.loads('[defaults.header]\n"customer.tax_id" = "Account.BillingCity"')
        objects = {"objects": raw_model_org()["mapping"]["objects"]}

        read = [MappingConfig.model_validate(table | objects) for table in (dotted, quoted)]

        assert read[0] == read[1]
        assert read[0].defaults.header.rules().keys() == {"customer.tax_id"}

    def test_numbers_in_text_fields_are_read_as_text(self) -> None:
        assert order_with(PO_Number__c=Decimal("4500012345")).po_number == "4500012345"


class TestPrecedence:
    def test_an_object_overrides_the_shared_rules(self) -> None:
        mapping = mapping_of("Order")

        assert "EffectiveDate" in mapping.selection.fields
        assert "Contract_Start__c" not in mapping.selection.fields

    def test_line_before_product_table_before_product_field_before_default(self) -> None:
        table = """
            [products.SEAT]
            charge_type = "one_time"
        """
        rules = {"charge_type": {"path": "Charge_Type__c", "default": "usage"}}
        catalogue = """
            [catalogue]
            type_field = "Product2.Stigg_Type__c"
            id_field = "Product2.Stigg_ID__c"
            fields.charge_type = { path = "Description", values = { "by use" = "usage" } }
        """

        assert line_with(rules, also=table, Charge_Type__c="Recurring").charge_type is ChargeType.RECURRING
        assert line_with(rules, also=table + catalogue, Charge_Type__c=None, Description="by use").charge_type is (
            ChargeType.ONE_TIME
        )
        recurring_by_default = {"charge_type": {"path": "Charge_Type__c", "default": "recurring"}}
        by_field = line_with(recurring_by_default, also=catalogue, Charge_Type__c=None, Description="by use")
        assert by_field.charge_type is ChargeType.USAGE
        assert line_with(rules, Charge_Type__c=None).charge_type is ChargeType.USAGE
        assert line_with(Charge_Type__c=None).charge_type is ChargeType.RECURRING

    def test_the_product_table_routes_a_product_whose_fields_are_empty(self) -> None:
        table = """
            [products.MYSTERY]
            kind = "credit"
            ref = "cred-type-tokens"
            credit_cadence = "year"
            price_model = "Volume"
            billing_period_months = "upfront"
        """

        line = line_with(also=table, **{"Product2.ProductCode": "MYSTERY", "Price_Model__c": None})

        assert line.provision.kind is ProvisionKind.CREDIT
        assert line.provision.ref == "cred-type-tokens"
        assert line.provision.cadence == "year"
        assert line.price_model is PriceModel.VOLUME
        assert line.billing_period_months is None

    def test_products_can_be_told_by_the_table_alone(self) -> None:
        raw = raw_model_org()["mapping"]
        del raw["catalogue"]
        raw["products"] = {"SEAT": {"kind": "entitlement", "ref": "feature-seats"}}
        mapping = compile_mappings(read_mapping_config(raw))["Quote"]

        order = mapping.to_order(make_record())

        assert order.line_items[0].provision.ref == "feature-seats"
        assert "Product2.Stigg_Type__c" not in mapping.selection.line_fields

    def test_product_types_can_have_other_names(self) -> None:
        catalogue = """
            [catalogue]
            type_field = "Product2.Stigg_Type__c"
            id_field = "Product2.Stigg_ID__c"
            types = { "Feature limit" = "entitlement" }
        """

        line = line_with(also=catalogue, **{"Product2.Stigg_Type__c": "Feature limit"})

        assert line.provision.kind is ProvisionKind.ENTITLEMENT


class TestSelection:
    def test_fields_are_sorted_and_named_once(self) -> None:
        for name in ("Quote", "Opportunity", "Order"):
            selection = mapping_of(name).selection
            for fields in (selection.fields, selection.line_fields):
                assert list(fields) == sorted(set(fields))

    def test_only_what_a_rule_needs_is_read(self) -> None:
        raw = {
            "catalogue": {"type_field": "Product2.Type__c", "id_field": "Product2.Ref__c"},
            "defaults": {
                "header": {
                    "starts_on": "Start__c",
                    "term_months": "Term__c",
                    "deal_type": {"constant": "new"},
                    "legal_entity": {"constant": "US"},
                    "payment_terms_days": {"constant": 30},
                    "currency": {"constant": "EUR"},
                }
            },
            "objects": {"Deal__c": {"lines": "Deal_Line__c", "parent": "Deal__c", "order_by": ["Number__c"]}},
        }

        selection = compile_mappings(read_mapping_config(raw))["Deal__c"].selection

        assert selection.fields == (
            "Account.BillingCity", "Account.BillingCountry", "Account.BillingPostalCode", "Account.BillingState",
            "Account.BillingStreet", "Account.Name", "AccountId", "Id", "Name", "Start__c", "Term__c",
        )  # fmt: skip
        assert selection.line_fields == (
            "Description", "Id", "Product2.Name", "Product2.ProductCode", "Product2.Ref__c", "Product2.Type__c",
            "Quantity", "UnitPrice",
        )  # fmt: skip
        assert (selection.line_object, selection.line_parent_field) == ("Deal_Line__c", "Deal__c")
        assert selection.line_order == ("Number__c",)

    def test_person_accounts_are_read_beside_the_name_that_is_configured(self) -> None:
        raw = raw_model_org()["mapping"]
        raw["objects"]["Quote"]["header"] = {"customer": {"name": "Opportunity.Account.Name"}}

        fields = compile_mappings(read_mapping_config(raw))["Quote"].selection.fields

        assert "Opportunity.Account.IsPersonAccount" in fields
        assert "Opportunity.Account.PersonEmail" in fields

    def test_fields_that_the_org_need_not_have_are_marked_for_the_query(self) -> None:
        rule = {"path": "PO_Number__c", "may_be_absent": True}
        raw = raw_model_org()["mapping"]
        raw["defaults"]["header"]["po_number"] = rule
        mapping = compile_mappings(read_mapping_config(raw))

        assert mapping["Quote"].selection.optional_fields == (
            "Account.BillingCity", "Account.BillingPostalCode", "Account.BillingState", "Account.BillingStreet",
            "Account.FirstName", "Account.IsPersonAccount", "Account.LastName", "Account.PersonEmail", "Name",
            "Opportunity.SyncedQuote.Status", "Opportunity.SyncedQuoteId", "OpportunityId", "PO_Number__c",
            "QuoteNumber",
        )  # fmt: skip
        assert mapping["Quote"].selection.optional_line_fields == ("CurrencyIsoCode", "Description", "SortOrder")
        assert set(mapping["Order"].selection.optional_fields) <= set(mapping["Order"].selection.fields)

    def test_a_field_that_another_rule_needs_is_not_optional(self) -> None:
        raw = raw_model_org()["mapping"]
        raw["defaults"]["line"]["ramp_key"] = "Description"

        selection = compile_mappings(read_mapping_config(raw))["Quote"].selection

        assert "Description" not in selection.optional_line_fields

    def test_orgs_without_person_accounts_need_no_such_field(self) -> None:
        fields = mapping_of("Quote", person_accounts=False).selection.fields

        assert not [field for field in fields if "Person" in field]

    def test_a_missing_person_flag_means_a_company(self) -> None:
        record = make_record()
        del record.fields["Account"]["IsPersonAccount"]  # type: ignore[attr-defined]

        assert mapping_of("Quote").to_order(record).customer.name == "Halvorsen Robotics AS"


class TestSettingsFaults:
    def test_all_faults_of_a_file_are_told_at_once(self) -> None:
        raw = tomllib.loads("""
            zone = "UTC"
            time_zone = "Mars/Olympus"
            [defaults.header]
            start_on = "Contract_Start__c"
            po_number = "PO Number"
            payment_terms_days = { path = "Terms__c", transform = "email" }
            legal_entity = { constant = "US", default = "DE" }
            signed_total = { path = "Total__c", default = 1.5 }
            name = { path = "Name", required = false }
            [defaults.line]
            quantity = 5
            charge_type = { path = "Kind__c", values = { "A" = "sometimes", "B" = "usage", "b " = "recurring" } }
            [products.SEAT]
            kind = "plans"
            [catalogue]
            fields = "Product2"
            types = []
            [objects.Quote]
            lines = "QuoteLine; DROP"
            also_read = ["Id", "A B"]
            order_by = "SortOrder"
        """)

        found = faults_of(raw)

        assert found.keys() == {
            "mapping.zone",
            "mapping.time_zone",
            "mapping.defaults.header.start_on",
            "mapping.defaults.header.po_number.path",
            "mapping.defaults.header.payment_terms_days",
            "mapping.defaults.header.legal_entity",
            "mapping.defaults.header.signed_total.default",
            "mapping.defaults.header.name",
            "mapping.defaults.line.quantity",
            "mapping.defaults.line.charge_type",
            "mapping.products.SEAT.kind",
            "mapping.catalogue.fields",
            "mapping.catalogue.types",
            "mapping.objects.Quote.lines",
            "mapping.objects.Quote.order_by",
            "mapping.objects.Quote.also_read[2]",
            "mapping.objects.Quote.header.deal_type",
            "mapping.objects.Quote.header.starts_on",
            "mapping.objects.Quote.header.ends_on",
        }
        assert "must be a table" in found["mapping.catalogue.types"]
        assert "must be a list" in found["mapping.objects.Quote.order_by"]
        assert "did you mean starts_on?" in found["mapping.defaults.header.start_on"]
        assert "possible here: integer, net_days" in found["mapping.defaults.header.payment_terms_days"]
        assert "write decimal numbers in quotes" in found["mapping.defaults.header.signed_total.default"]
        assert "no order can do without it" in found["mapping.defaults.header.name"]
        assert "'sometimes'; it must be one of recurring, one_time, usage" in found["mapping.defaults.line.charge_type"]
        assert "differ only in case" in found["mapping.defaults.line.charge_type"]

    def test_an_object_that_lacks_a_rule_says_which(self) -> None:
        found = faults_of({"objects": {"Deal__c": {"lines": "Deal_Line__c"}}})

        assert found.keys() == {
            "mapping.objects.Deal__c",
            "mapping.objects.Deal__c.parent",
            "mapping.objects.Deal__c.header.deal_type",
            "mapping.objects.Deal__c.header.ends_on",
            "mapping.objects.Deal__c.header.legal_entity",
            "mapping.objects.Deal__c.header.payment_terms_days",
            "mapping.objects.Deal__c.header.starts_on",
        }

    def test_an_object_without_lines_needs_no_line_rules(self) -> None:
        raw = raw_model_org()["mapping"]
        raw["objects"]["Termination__c"] = {}

        selection = compile_mappings(read_mapping_config(raw))["Termination__c"].selection

        assert selection.line_object == ""
        assert selection.line_fields == ()

    def test_no_objects_is_a_fault(self) -> None:
        assert "at least one" in faults_of({"objects": {}})["mapping.objects"]
        assert "missing" in faults_of({})["mapping.objects"]

    def test_compiling_unread_settings_checks_them_too(self) -> None:
        config = MappingConfig.model_validate({"objects": {"Quote": {}}})

        with pytest.raises(MappingMisconfigured, match="deal_type has no rule"):
            compile_mappings(config)

    def test_an_object_that_no_rule_calls_signed_is_a_warning(self) -> None:
        raw = raw_model_org()["mapping"]

        warnings = {name: found.warnings for name, found in compile_mappings(read_mapping_config(raw)).items()}

        assert [len(found) for found in (warnings["Quote"], warnings["Opportunity"], warnings["Order"])] == [0, 0, 1]

    @settings(max_examples=100, deadline=None)
    @given(
        st.dictionaries(
            st.sampled_from(("defaults", "objects", "products", "catalogue", "time_zone", "person_accounts", "x")),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
                lambda inner: (
                    st.lists(inner, max_size=2)
                    | st.dictionaries(
                        st.sampled_from(
                            (
                                "Quote",
                                "header",
                                "line",
                                "customer",
                                "ref",
                                "path",
                                "or",
                                "values",
                                "kind",
                                "lines",
                                "a.b",
                            )
                        )
                        | st.text(max_size=5),
                        inner,
                        max_size=4,
                    )
                ),
            ),
        )
    )
    def test_any_section_is_read_or_told_as_faults(self, raw: dict[str, Any]) -> None:
        try:
            assert read_mapping_config(raw).objects
        except MappingMisconfigured as error:
            assert all(fault.field.startswith("mapping") and fault.message and fault.fix for fault in error.faults)


class TestVersion:
    def test_the_order_of_keys_does_not_matter(self) -> None:
        raw = raw_model_org()["mapping"]
        turned = {key: raw[key] for key in reversed(list(raw))}
        turned["defaults"] = {key: dict(reversed(list(raw["defaults"][key].items()))) for key in ("line", "header")}

        assert config_version(read_mapping_config(raw)) == config_version(read_mapping_config(turned))

    def test_any_other_meaning_is_another_version(self) -> None:
        raw = raw_model_org()["mapping"]
        before = config_version(read_mapping_config(raw))

        raw["defaults"]["header"]["legal_entity"]["default"] = "DE"

        assert config_version(read_mapping_config(raw)) != before

    def test_it_is_the_same_on_every_machine_and_release(self) -> None:
        config = MappingConfig.model_validate({"objects": {"Quote": {"header": {"starts_on": "Start__c"}}}})

        assert config_version(config) == "a643f6203613"

    def test_every_mapping_of_a_file_carries_it(self) -> None:
        config = read_mapping_config(raw_model_org()["mapping"])

        assert {mapping.version for mapping in compile_mappings(config).values()} == {config_version(config)}
