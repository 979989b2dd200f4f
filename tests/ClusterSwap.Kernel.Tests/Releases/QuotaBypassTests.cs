// The quota bypass of tagged buffers, which came with swap over NFS.
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Kernel.Tests.Releases;

public class QuotaBypassTests
{
    [Theory]
    [InlineData(false, false, false)]
    [InlineData(false, true, false)]
    [InlineData(true, false, false)]
    [InlineData(true, true, true)]
    public void A_tagged_buffer_passes_a_full_quota_since_3_6(bool has, bool tagged, bool admitted)
    {
        var memory = TcpMemory.ForMachine(1_000);
        var tcp = new TcpConnection(new TcpParameters()) { Memory = memory };
        memory.Quota.AllocatedPages = memory.Quota.Max;
        var passes = SocketRules.PassesQuota(With(KernelChange.RmemQuotaBypass, has), tagged);
        Assert.Equal(admitted, tcp.CanReceive(2_176, passes));
        if (admitted)
        {
            tcp.ChargeReceive(2_176, passes);
            tcp.AssertInvariants();
            tcp.ReleaseReceive(2_176);
            Assert.Equal(0, tcp.ForwardAlloc);
            Assert.Equal(memory.Quota.Max, memory.Quota.AllocatedPages);
        }
    }

    [Fact]
    public void The_limit_of_the_socket_itself_holds_for_tagged_buffers_too()
    {
        var tcp = new TcpConnection(new TcpParameters());
        while (tcp.CanReceive(2_176, passesQuota: true))
        {
            tcp.ChargeReceive(2_176, passesQuota: true);
        }

        Assert.Equal(41 * 2_176, tcp.RmemAlloc);
    }

    [Fact]
    public void The_bypass_is_in_3_6_and_later()
    {
        Assert.False(KernelRules.Of(Era.Linux35).Has(KernelChange.RmemQuotaBypass));
        Assert.True(KernelRules.Of(Era.Linux36).Has(KernelChange.RmemQuotaBypass));
        Assert.True(KernelRules.Of(Era.Linux61).Has(KernelChange.RmemQuotaBypass));
    }

    private static KernelRules With(KernelChange change, bool has)
    {
        KernelRules rules = PatchSet.All;
        return rules with { Changes = has ? rules.Changes.With(change) : rules.Changes.Without(change) };
    }
}
