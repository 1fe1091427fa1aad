// Package entra gets tokens of Microsoft Entra ID for the calls of one
// deployment: with a client's secret, with a user's password, or with the token
// of another issuer (workload identity). A token is kept until shortly before
// it expires; the call that finds it old fetches the next one, and others wait
// for that. The package starts no goroutine.
//
// Facts: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
package entra
