import Testing

/// The reader that judges the service's text must itself refuse what the format refuses.
@Suite struct ExpositionTests {
    private static let head = "# HELP a_total Help.\n# TYPE a_total counter\n"
    private static let histogram = "# HELP h Help.\n# TYPE h histogram\n"

    @Test func `what is right is read`() throws {
        let text =
            Self.head + "a_total{x=\"a\\\\b\\\"c\\nd\",y=\"\"} 1e+06\n" + Self.histogram
            + "h_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3.5\nh_count 2\n"
        let read = try Exposition(text)
        #expect(read.families.map(\.name) == ["a_total", "h"])
        #expect(read.families[0].samples[0].labels == ["x": "a\\b\"c\nd", "y": ""])
        #expect(read.families[0].samples[0].value == 1_000_000)
    }

    @Test(arguments: [
        "a_total 1\n", "# TYPE a_total counter\na_total 1\n", head + "a_total 1", head + "b_total 1\n",
        head + "a_total 1\na_total 2\n", head + "a_total -1\n", head + "a_total{x=\"\"\"} 1\n",
        head + "a_total{x=\"\\q\"} 1\n", head + "a_total{x=\"1\",} 1\n", head + "a_total{x=\"1\",x=\"2\"} 1\n",
        head + "a_total one\n", head + "a_total  1\n", head + "\n", head + head,
        "# HELP a Help.\n# TYPE b gauge\n", "# HELP a Help.\n# TYPE a counter\na 1\n",
        "# HELP a_total Help.\n# TYPE a_total gauge\n", "# HELP a A \\q.\n# TYPE a gauge\n",
        histogram + "h 1\n", histogram + "h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n",
        histogram + "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
        histogram + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 1\n",
        histogram + "h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
        histogram + "h_bucket{le=\"+Inf\"} 1\nh_count 1\n",
    ])
    func `what is wrong is refused`(text: String) {
        #expect(throws: Exposition.Broken.self) { _ = try Exposition(text) }
    }
}
