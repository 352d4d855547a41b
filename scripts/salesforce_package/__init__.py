"""Makes the deployable Salesforce package in `salesforce/` from a few tables, so that no field is said twice.

    python -m scripts.salesforce_package          write the files anew
    python -m scripts.salesforce_package --check  only say what would change

Hand-written parts (Lightning components, Apex, the project files) are left alone.
"""
