"""Which companies a scope takes in (SEMANTICS 6); policies and subscriptions share it."""

from schemas.records import Company, Scope


def is_within(scope: Scope, company_id: str, registered: Company | None) -> bool:
    """Whether the company matches each list of the scope. What the registry does not say matches no list."""
    regency = registered.regency if registered else None
    kbli = registered.kbli if registered else None
    return (
        (scope.company_ids is None or company_id in scope.company_ids)
        and (scope.regencies is None or regency in scope.regencies)
        and (scope.kbli_prefixes is None or (kbli is not None and kbli.startswith(scope.kbli_prefixes)))
    )
