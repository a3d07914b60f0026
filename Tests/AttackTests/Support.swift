// Every file of this target starts the service or speaks to it; one import serves them all.
@_exported public import EndToEndSupport
