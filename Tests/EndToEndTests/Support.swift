// Every file of this target starts programs or reads what they left; one import serves them all.
@_exported public import EndToEndSupport
