// Package awsauth proves to AWS who calls: it finds credentials as AWS's own
// tools do and signs requests with them (Signature Version 4).
//
// Credentials come from the deployment, or else from the environment, the
// shared configuration files, a web identity, the container's or the
// instance's metadata. They are kept until shortly before they expire and then
// fetched again by the call that needs them; what others wait for is fetched
// once. The environment is read through the configuration alone, which is why
// AWS's configuration module is not used: it reads that of the process.
//
// The only goroutine is that of the SDK's cache while it fetches; every fetch
// is bounded in time.
//
// Facts: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
package awsauth
