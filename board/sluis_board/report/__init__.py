"""The report: figures that may be published (`figures`), charts of them, and the page in two languages."""
