"""Bills as a person reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from cli.costs.bill import Incident, Month
from cli.costs.lines import Line, total


def month(bill: Month) -> Callable[[Console], None]:
    """Return what prints a month."""
    def render(console: Console) -> None:
        console.print(f"An idle month at AWS's list prices of {bill.date} in {bill.region}, without free allowances\n")
        console.print(_table("the first service", bill.first_service, 2))
        console.print(f"AWS's free allowances pay ${bill.first_free_dollars:.2f} of it, in an account that uses them "
                      "for nothing else\n")
        if bill.further_service:
            console.print(_table("each further service like it", bill.further_service, 2))
        if len(bill.all_services) > 1:
            console.print(f"all {len(bill.all_services)} services of the configuration: ${bill.all_dollars:.2f}\n")
        if bill.vendor_secrets:
            console.print(f"secrets that you keep for it ({len(bill.vendor_secrets)}): "
                          f"${bill.vendor_secrets_dollars:.2f} a month, apart from the above\n")
        for private in bill.private_networks:
            console.print(f"private network {private.network or '(without a name)'}: {private.interface_endpoints} "
                          f"interface endpoints{' and NAT' if private.nat else ''} in {private.zones} zones: "
                          f"${private.dollars:.2f} a month, apart from the above; make network lists them\n")
        if bill.unpriced:
            console.print(f"not priced: {', '.join(bill.unpriced)}\n")
        console.print("What the template does not say:")
        for name, use in bill.use.items():
            console.print(f"  {name} = {use.value:g}: {use.why}")
        if bill.unchecked:
            console.print(f"\nPrices to look at before you rely on them: {', '.join(bill.unchecked)}")

    return render


def incident(bill: Incident) -> Callable[[Console], None]:
    """Return what prints an incident."""
    def render(console: Console) -> None:
        console.print(f"One incident at AWS's list prices of {bill.date} in {bill.region}\n")
        console.print(_table("the incident", bill.lines, 6))
        if bill.without_record:
            console.print("The table, files, metrics and messages are left out: name the incident's --record for them.")
        console.print("New Relic, Splunk, PagerDuty and Slack charge nothing for its calls beyond their plans.")

    return render


def _table(title: str, lines: Sequence[Line], digits: int) -> Table:
    table = Table(title=title, title_justify="left", show_footer=True)
    table.add_column("part", footer="together")
    table.add_column("what")
    table.add_column("quantity", justify="right")
    table.add_column("US dollars", justify="right", footer=f"{total(lines):.{digits}f}")
    for one in sorted(lines, key=lambda one: -one.dollars):
        table.add_row(one.part, one.what, f"{one.quantity:,.2f}".removesuffix(".00"), f"{one.dollars:.{digits}f}")
    return table
