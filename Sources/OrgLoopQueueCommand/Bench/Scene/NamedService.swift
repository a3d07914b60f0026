import Foundation

/// A service that runs already and is not ours to end.
struct NamedService: Peer {
    let form: SignedRequestForm
    let host: String
    let port: Int

    /// - Parameter secretVariable: The environment variable that has the secret, so that no list of processes shows it.
    init(url: String, source: String, secretVariable: String?) throws {
        let text = url.hasSuffix("/") ? String(url.dropLast()) : url
        guard text.hasPrefix("http://"), let address = ListenAddress(String(text.dropFirst(7))) else {
            throw CommandFailure(
                message: "\(url) is not an address of the form http://HOST:PORT",
                mend: "Name it with --url, like http://127.0.0.1:4810.")
        }
        host = address.host
        port = address.port
        form = SignedRequestForm(
            host: "\(address)", source: source, secret: try secretVariable.map(Self.secret) ?? TokenFile.makeToken())
    }

    /// It may run on another machine.
    var usage: ProcessUsage? { nil }

    func stop() {}

    private static func secret(in variable: String) throws -> String {
        guard let secret = ProcessInfo.processInfo.environment[variable], !secret.isEmpty else {
            throw CommandFailure(
                message: "the environment variable \(variable) is not set, or empty",
                mend: "Set it to the secret of the source.")
        }
        return secret
    }
}
