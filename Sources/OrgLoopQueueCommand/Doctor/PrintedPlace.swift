/// The flags that lead a printed command to the queue that was looked at.
struct PrintedPlace {
    /// For a verb that calls the service.
    let calling: [String]
    /// For `serve`.
    let serving: [String]
    /// For a verb that opens the file.
    let reading: [String]

    /// No flag leads anywhere else.
    static let standard = PrintedPlace(calling: [], serving: [], reading: [])

    private init(calling: [String], serving: [String], reading: [String]) {
        self.calling = calling
        self.serving = serving
        self.reading = reading
    }

    init(_ options: ConnectionOptions) {
        self.init(
            calling: options.arguments, serving: options.servingArguments,
            reading: options.configuration.arguments)
    }

    /// `orgloop-queue serve`, for the same queue.
    var serve: String { CommandText.line(["serve"] + serving) }

    /// `orgloop-queue config reload`, for the same queue.
    var reload: String { CommandText.line(["config", "reload"] + calling) }
}
