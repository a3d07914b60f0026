/// What the service took for a run of requests; unknown where nothing tells it.
struct ServiceCost {
    let cpuMicrosecondsPerRequest: Double?
    let residentBytes: Int?
    let residentBytesMax: Int?

    init(from before: ProcessUsage?, to after: ProcessUsage?, answers: Int) {
        residentBytes = after?.residentBytes
        residentBytesMax = after?.residentBytesMax
        guard let before, let after, answers > 0 else {
            cpuMicrosecondsPerRequest = nil
            return
        }
        cpuMicrosecondsPerRequest = (after.cpuMicroseconds - before.cpuMicroseconds) / Double(answers)
    }

    var figures: [Figure] {
        [
            Figure(
                "service_cpu_us_per_request", "CPU of the service a request", cpuMicrosecondsPerRequest, .microseconds),
            Figure("service_resident_bytes", "memory of the service", residentBytes.map(Double.init), .bytes),
            Figure(
                "service_resident_bytes_max", "memory of the service, most", residentBytesMax.map(Double.init), .bytes),
        ]
    }
}
